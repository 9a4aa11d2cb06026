import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '@anymq/core';
import { credentials, placeOf } from '../drivers.ts';
import type { Fault, Scene } from '../fault.ts';
import { between } from '../random.ts';
import { giveKafkaRights, takeKafkaRights } from './kafka-rights.ts';
import { ordered, plain } from '../work.ts';

export const brokerFaults: readonly Fault[] = [
  {
    name: 'broker-restarted',
    what: 'the broker is restarted in its own way',
    drivers: ['redis', 'rabbitmq', 'kafka'],
    async inflict(scene) {
      await someWay(scene);
      await scene.behind.broker.container.restart();
    },
  },
  {
    name: 'broker-killed',
    what: 'SIGKILL of the broker under a burst of sends, then a start: what was confirmed must be there',
    drivers: ['redis', 'rabbitmq', 'kafka'],
    short: true,
    async inflict(scene) {
      await someWay(scene);
      scene.tell('kill');
      await scene.behind.broker.container.kill();
      await scene.behind.broker.container.restart();
      scene.tell('answers');
    },
  },
  {
    name: 'broker-paused',
    what: 'the broker is frozen for 10 s, its connections stay open',
    async inflict(scene) {
      await someWay(scene);
      await scene.behind.broker.container.pause();
      await delay(10_000);
      await scene.behind.broker.container.unpause();
    },
  },
  {
    name: 'memory-alarm',
    what: 'the broker has no memory left for 8 s and takes nothing more',
    drivers: ['rabbitmq', 'redis'],
    inflict: (scene) => forAWhile(scene, [tells(noMemory), tells(enoughMemory)], 8000),
  },
  {
    name: 'rights-taken',
    what: "the user's rights are taken away for 5 s, connections are kept",
    drivers: ['rabbitmq', 'redis', 'kafka'],
    inflict: (scene) =>
      forAWhile(scene, scene.driver === 'kafka' ? kafkaRights : [tells(noRights), tells(allRights)], 5000),
  },
  {
    name: 'destination-deleted',
    what: 'the queues are deleted under way: what was in them is gone, what comes after is not',
    async inflict(scene) {
      await someWay(scene);
      await deleteAll(scene);
      const deletedAt = Date.now();
      return { mayBeLost: ({ sentAt }) => sentAt <= deletedAt };
    },
  },
];

type Commands = Readonly<Record<'redis' | 'rabbitmq', readonly string[]>>;

const noMemory: Commands = {
  redis: ['redis-cli', 'config', 'set', 'maxmemory', '1mb'],
  rabbitmq: ['rabbitmqctl', 'set_vm_memory_high_watermark', 'absolute', '1'],
};
const enoughMemory: Commands = {
  redis: ['redis-cli', 'config', 'set', 'maxmemory', '0'],
  rabbitmq: ['rabbitmqctl', 'set_vm_memory_high_watermark', '0.6'],
};
// Through a second user, for the one whose rights are taken cannot give them back.
const noRights: Commands = {
  redis: [
    'sh',
    '-c',
    'redis-cli acl setuser keeper on nopass allcommands allkeys allchannels && redis-cli acl setuser default -@all +ping +auth +acl',
  ],
  rabbitmq: ['rabbitmqctl', 'clear_permissions', credentials.username],
};
const allRights: Commands = {
  redis: ['redis-cli', '--user', 'keeper', '--pass', '', 'acl', 'setuser', 'default', '+@all'],
  rabbitmq: ['rabbitmqctl', 'set_permissions', credentials.username, '.*', '.*', '.*'],
};

function someWay({ random, progress }: Scene): Promise<void> {
  return progress(between(random, 0.2, 0.6));
}

type Change = (scene: Scene) => Promise<unknown>;

const kafkaRights: readonly [Change, Change] = [
  ({ behind }) => takeKafkaRights(behind.broker.url),
  ({ behind }) => giveKafkaRights(behind.broker.url),
];

function tells(commands: Commands): Change {
  return ({ driver, behind }) => behind.broker.container.exec(commands[driver === 'redis' ? 'redis' : 'rabbitmq']);
}

/** The one change, and the other after so long. */
async function forAWhile(scene: Scene, [breaks, mends]: readonly [Change, Change], ms: number): Promise<void> {
  await someWay(scene);
  await breaks(scene);
  await delay(ms);
  await mends(scene);
}

/** As somebody else does it: the processes that work there are not told. */
async function deleteAll({ behind, namespace }: Scene): Promise<void> {
  const mq = await connect({ brokers: { main: placeOf(behind.broker.url) }, namespace });
  try {
    await mq.remove([plain, ordered]);
  } finally {
    await mq.close();
  }
}
