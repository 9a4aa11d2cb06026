import type { BrokerSpec, Configuration, ContainerSpec } from './broker-spec.ts';
import { fetchJars, fetchPackages } from './fetch.ts';
import { firstAnswer } from './first-answer.ts';

const status = (path: string) => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);

/** Queues, with what only it has: tasks that move messages, several messages of a group in one receive. */
const elasticmq: ContainerSpec = {
  image: { official: 'softwaremill/elasticmq:1.7.1', folder: 'elasticmq', suite: 'trixie', prepare: fetchJars },
  port: 9324,
  launch: (configuration, advertisedPort) => ({
    environment: { JAVA_TOOL_OPTIONS: '-Xmx512m -XX:+UseSerialGC' },
    files: { '/opt/elasticmq.conf': elasticmqFile(advertisedPort, configuration) },
  }),
  answers: (port) => firstAnswer(port, status('/health'), ['HTTP/1.1 200']),
};

/** Topics, and the queues of their groups: what is published reaches only queues of the same emulator. */
const fauxqs: ContainerSpec = {
  image: { official: 'kibertoad/fauxqs:2.4.1', folder: 'fauxqs', suite: 'trixie', prepare: fetchPackages },
  port: 4566,
  launch: (configuration) => ({
    environment: { FAUXQS_LOGGER: 'false', ...fauxqsSettings(configuration) },
  }),
  answers: (port) => firstAnswer(port, status('/health'), ['HTTP/1.1 200']),
};

/** Settings that begin with FAUXQS_ are fauxqs's environment, all others lines of ElasticMQ's file. */
export const sqs: BrokerSpec = {
  variable: 'ANYMQ_TEST_SQS_URL',
  containers: [elasticmq, fauxqs],
  url: ([queues, topics]) =>
    `sqs://eu-west-1?endpoint=http://127.0.0.1:${queues}&snsEndpoint=http://127.0.0.1:${topics}`,
};

function elasticmqFile(advertisedPort: number, configuration: Configuration): string {
  const settings = Object.entries(configuration).filter(([name]) => !isFauxqs(name));
  return [
    'include classpath("application.conf")',
    'rest-sqs { enabled = true, bind-port = 9324, bind-hostname = "0.0.0.0", sqs-limits = strict }',
    'rest-stats.enabled = false',
    `node-address { protocol = http, host = "127.0.0.1", port = ${advertisedPort}, context-path = "" }`,
    ...settings.map(([name, value]) => `${name} = ${value}`),
    '',
  ].join('\n');
}

function fauxqsSettings(configuration: Configuration): Configuration {
  return Object.fromEntries(Object.entries(configuration).filter(([name]) => isFauxqs(name)));
}

function isFauxqs(name: string): boolean {
  return name.startsWith('FAUXQS_');
}
