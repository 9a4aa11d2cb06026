import type { BrokerSpec, Configuration } from './broker-spec.ts';
import { fetchJars } from './fetch.ts';
import { firstAnswer, firstHandshake } from './first-answer.ts';

const file = '/etc/kafka/anymq.properties';
const data = '/var/lib/kafka/data';
const clusterId = 'MkU3OEVBNTcwNTJENDM2Qk';

// The same for both images, without the official one's start script, which starts two Java machines more. The first start
// makes the log's folder; a restart finds it.
const script = [
  `[ -e ${data}/meta.properties ] || java -cp '/opt/kafka/libs/*' kafka.tools.StorageTool format -t ${clusterId} -c ${file} >&2 || exit`,
  `exec java -Xmx512m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp '/opt/kafka/libs/*' kafka.Kafka ${file}`,
].join('\n');

// ApiVersions, version 0, of a client without a name. The answer begins with its length, which is below 64 KiB.
const apiVersions = Uint8Array.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);

export const kafka: BrokerSpec = {
  variable: 'ANYMQ_TEST_KAFKA_URL',
  containers: [
    {
      image: { official: 'apache/kafka:4.3.0', folder: 'kafka', suite: 'trixie', prepare: fetchJars },
      port: 9092,
      launch: (configuration, advertisedPort) => ({
        command: ['sh', '-c', script],
        files: { [file]: properties({ ...defaults(advertisedPort), ...configuration }) },
      }),
      // A test may configure its listener for TLS.
      // Its listener may speak TLS alone; when it speaks nothing, the first answer says why.
      answers: (port) =>
        firstAnswer(port, apiVersions, ['\0\0']).catch((error: unknown) =>
          firstHandshake(port).catch(() => Promise.reject(error)),
        ),
    },
  ],
  url: ([port]) => `kafka://127.0.0.1:${port}`,
};

/** One node that is broker and controller, by the names of `server.properties`. */
function defaults(advertisedPort: number): Configuration {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': '1@127.0.0.1:9093',
    // The broker's own connections need a listener of their own: the published port is not to be reached from inside.
    listeners: 'PLAINTEXT://0.0.0.0:9092,BROKER://127.0.0.1:9094,CONTROLLER://127.0.0.1:9093',
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertisedPort},BROKER://127.0.0.1:9094`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'BROKER',
    'log.dirs': data,
    'num.partitions': '3',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // A broker that was killed is taken back when its session has ended.
    'broker.session.timeout.ms': '4000',
    'broker.heartbeat.interval.ms': '500',
  };
}

function properties(settings: Configuration): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
