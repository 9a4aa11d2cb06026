import { setTimeout as delay } from 'node:timers/promises';
import { kafka } from '@anymq/kafka';
import { Kafka, logLevel } from 'kafkajs';
import type { KafkaConfig } from 'kafkajs';
import type { Fault, Scene } from '../fault.ts';
import { between } from '../random.ts';

const awayMs = 8000;

export const clusterFaults: readonly Fault[] = [
  {
    name: 'leader-killed',
    what: 'of three servers, SIGKILL of the one that leads most of the queues or partitions; it comes back after 8 s',
    drivers: ['rabbitmq', 'kafka'],
    isOfCluster: true,
    async inflict(scene) {
      await scene.progress(between(scene.random, 0.2, 0.5));
      const place = await leaderOf(scene);
      scene.tell(`kill server ${place}`);
      const server = scene.behind.broker.servers[place];
      const brokenAt = Date.now();
      await server?.kill();
      await delay(awayMs);
      await server?.start();
      scene.tell(`server ${place} answers`);
      return { brokenAt };
    },
  },
];

/** The place of the server that leads most of what is the run's own. */
async function leaderOf(scene: Scene): Promise<number> {
  const leaders = scene.driver === 'kafka' ? await partitionLeaders(scene) : await queueLeaders(scene);
  const led = scene.behind.broker.servers.map((_, place) => leaders.filter((leader) => leader === place).length);
  return led.indexOf(Math.max(...led));
}

async function partitionLeaders({ behind, namespace }: Scene): Promise<readonly number[]> {
  const config = kafka.parseUrl(behind.broker.url) as unknown as KafkaConfig;
  const admin = new Kafka({ ...config, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata();
  await admin.disconnect();
  const own = topics.filter(({ name }) => name.startsWith(namespace));
  // Ids are from 1.
  return own.flatMap(({ partitions }) => partitions.map(({ leader }) => leader - 1));
}

async function queueLeaders({ behind, namespace }: Scene): Promise<readonly number[]> {
  const list = ['rabbitmqctl', '--node', 'server-0@localhost', 'list_queues', '--quiet', 'name', 'leader'];
  const lines = (await behind.broker.container.exec(list)).split('\n');
  return lines.filter((line) => line.startsWith(namespace)).map((line) => Number(/server-(\d+)@/.exec(line)?.[1]));
}
