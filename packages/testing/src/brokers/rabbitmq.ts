import type { BrokerSpec, ClusterSpec, Configuration, Credentials } from './broker-spec.ts';
import { firstAnswer } from './first-answer.ts';
import { hostsOf, loginOf } from './login.ts';

const protocolHeader = Uint8Array.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);
// The first byte of a method frame on channel 0: the server's connection.start. It opens its port as the last of its boot.
const methodFrame = '\x01\0\0';
const guest: Credentials = { username: 'guest', password: 'guest' };

/** Servers on one machine differ by name and ports. They know each other from their configuration, and join when they boot. */
const cluster: ClusterSpec = {
  server: (place, { ports }, credentials) =>
    [
      'umask 077',
      `[ -e $HOME/.erlang.cookie ] || { echo anymq >$HOME/.cookie-${place} && mv $HOME/.cookie-${place} $HOME/.erlang.cookie; }`,
      `cat >/tmp/${place}.conf <<"END"\n${lines({ ...settings(credentials), ...members(ports) })}END`,
      // Run under systemd, as it is told, the start script becomes the server and is not in front of it.
      'export RUNNING_UNDER_SYSTEMD=true RABBITMQ_LOGS=-',
      `export RABBITMQ_NODENAME=${nodeOf(place)} RABBITMQ_NODE_PORT=${ports[place]} RABBITMQ_DIST_PORT=${25_700 + place}`,
      `export RABBITMQ_CONFIG_FILE=/tmp/${place}.conf`,
      // Debian's own rabbitmq-server writes elsewhere.
      'PATH=/usr/lib/rabbitmq/bin:$PATH',
      'exec rabbitmq-server',
    ].join('\n'),
  formed: (exec, { ports }) =>
    exec(['rabbitmqctl', '--node', nodeOf(0), 'await_online_nodes', String(ports.length), '--timeout', '60']),
};

export const rabbitmq: BrokerSpec = {
  variable: 'ANYMQ_TEST_RABBITMQ_URL',
  containers: [
    {
      image: { official: 'rabbitmq:4', folder: 'rabbitmq', suite: 'trixie' },
      port: 5672,
      launch: (configuration, _port, credentials) => {
        const file = lines({ ...settings(credentials), ...configuration });
        return file === '' ? {} : { files: { '/etc/rabbitmq/conf.d/90-test.conf': file } };
      },
      answers: (port) => firstAnswer(port, protocolHeader, [methodFrame]),
    },
  ],
  versions: { '4.3': { image: { official: 'rabbitmq:4.3', folder: 'rabbitmq', suite: 'sid' } } },
  cluster,
  url: (ports, credentials = guest) => `amqp://${loginOf(credentials)}${hostsOf(ports)}`,
};

function settings(credentials: Credentials | undefined): Configuration {
  return credentials === undefined ? {} : { default_user: credentials.username, default_pass: credentials.password };
}

function members(ports: readonly number[]): Configuration {
  const nodes = ports.map((_, place) => [`cluster_formation.classic_config.nodes.${place + 1}`, nodeOf(place)]);
  return {
    'log.console': 'true',
    'cluster_formation.peer_discovery_backend': 'classic_config',
    ...Object.fromEntries(nodes),
  };
}

function nodeOf(place: number): string {
  return `server-${place}@localhost`;
}

function lines(configuration: Configuration): string {
  return Object.entries(configuration)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}
