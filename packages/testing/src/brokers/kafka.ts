import type { BrokerSpec, ClusterSpec, Configuration, Credentials } from './broker-spec.ts';
import { fetchJars } from './fetch.ts';
import { firstAnswer, firstHandshake } from './first-answer.ts';
import { hostsOf, loginOf } from './login.ts';

const file = '/etc/kafka/anymq.properties';
const data = '/var/lib/kafka/data';
const clusterId = 'MkU3OEVBNTcwNTJENDM2Qk';

// The same for both images, without the official one's start script, which starts two Java machines more. The first start
// makes the log's folder; a restart finds it.
function scriptOf(folder: string, settings: string): string {
  return [
    `[ -e ${folder}/meta.properties ] || java -cp "/opt/kafka/libs/*" kafka.tools.StorageTool format -t ${clusterId} -c ${settings} >&2 || exit`,
    `exec java -Xmx512m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "/opt/kafka/libs/*" kafka.Kafka ${settings}`,
  ].join('\n');
}

// ApiVersions, version 0, of a client without a name. The answer begins with its length, which is below 64 KiB.
const apiVersions = Uint8Array.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);

/** Every server is broker and controller. */
const cluster: ClusterSpec = {
  server(place, { ports, advertisedPorts }, credentials) {
    const [folder, own] = [`${data}/${place}`, `/tmp/${place}.properties`];
    const where = placed({
      id: place + 1,
      port: ports[place] ?? 0,
      advertisedPort: advertisedPorts[place] ?? 0,
      brokerPort: 9200 + place,
      controllerPorts: ports.map((_, other) => 9300 + other),
    });
    const all = { ...settings, ...where, 'log.dirs': folder, ...copies(ports.length), ...login(credentials) };
    return [`mkdir -p ${folder}`, `cat >${own} <<"END"\n${properties(all)}END`, scriptOf(folder, own)].join('\n');
  },
  // A server listens when the controllers have taken it in.
  formed: async () => undefined,
};

export const kafka: BrokerSpec = {
  variable: 'ANYMQ_TEST_KAFKA_URL',
  containers: [
    {
      image: { official: 'apache/kafka:4.3.0', folder: 'kafka', suite: 'trixie', prepare: fetchJars },
      port: 9092,
      launch: (configuration, advertisedPort, credentials) => ({
        command: ['sh', '-c', scriptOf(data, file)],
        files: {
          [file]: properties({ ...ofOne(advertisedPort), ...settings, ...login(credentials), ...configuration }),
        },
      }),
      // A test may configure its listener for TLS.
      // Its listener may speak TLS alone; when it speaks nothing, the first answer says why.
      answers: (port) =>
        firstAnswer(port, apiVersions, ['\0\0']).catch((error: unknown) =>
          firstHandshake(port).catch(() => Promise.reject(error)),
        ),
    },
  ],
  cluster,
  url: (ports, credentials) => `kafka://${loginOf(credentials)}${hostsOf(ports)}`,
};

/** By the names of `server.properties`, of every server. */
const settings: Configuration = {
  'process.roles': 'broker,controller',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'BROKER',
  'num.partitions': '3',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.num.partitions': '4',
  'group.initial.rebalance.delay.ms': '0',
  // A broker that was killed is taken back when its session has ended.
  'broker.session.timeout.ms': '4000',
  'broker.heartbeat.interval.ms': '500',
};

/** One server that is broker and controller. */
function ofOne(advertisedPort: number): Configuration {
  return {
    ...placed({ id: 1, port: 9092, advertisedPort, brokerPort: 9094, controllerPorts: [9093] }),
    'log.dirs': data,
    ...copies(1),
  };
}

interface Place {
  readonly id: number;
  readonly port: number;
  readonly advertisedPort: number;
  /** The brokers' own connections need a listener of their own: the published port is not to be reached from inside. */
  readonly brokerPort: number;
  /** In the order of the ids, from 1. */
  readonly controllerPorts: readonly number[];
}

function placed({ id, port, advertisedPort, brokerPort, controllerPorts }: Place): Configuration {
  const controllers = controllerPorts.map((controller, place) => `${place + 1}@127.0.0.1:${controller}`);
  const own = `BROKER://127.0.0.1:${brokerPort}`;
  return {
    'node.id': String(id),
    'controller.quorum.voters': controllers.join(),
    listeners: `PLAINTEXT://0.0.0.0:${port},${own},CONTROLLER://127.0.0.1:${controllerPorts[id - 1]}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertisedPort},${own}`,
  };
}

/** What is written is kept by so many servers, and confirmed by all but one of them. */
function copies(count: number): Configuration {
  const least = String(Math.max(1, count - 1));
  return {
    'default.replication.factor': String(count),
    'min.insync.replicas': least,
    'offsets.topic.replication.factor': String(count),
    'transaction.state.log.replication.factor': String(count),
    'transaction.state.log.min.isr': least,
    'share.coordinator.state.topic.replication.factor': String(count),
    'share.coordinator.state.topic.min.isr': least,
  };
}

/** The listener that clients reach asks for a user and a password, by SASL PLAIN. */
function login(credentials: Credentials | undefined): Configuration {
  if (credentials === undefined) return {};
  const { username, password } = credentials;
  return {
    'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.plaintext.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`,
  };
}

function properties(settings: Configuration): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
