import { silentLogger, systemClock } from '@anymq/core/driver';
import { expect, test } from 'vitest';
import { encodeAssignment } from '../src/assignment.ts';
import type { Broker, CommittedOffset, Link } from '../src/client.ts';
import type { DriverContext } from '../src/driver-context.ts';
import { KafkaReceiver } from '../src/receiver.ts';

const { signal } = new AbortController();
const wanted = { signal, maxMessages: 10, maxBytes: 1_000_000 };

/** A group of one member, a partition with one message, and commits that do what is asked for. */
class FakeCluster {
  assigned: readonly number[] = [0];
  isRebalancing = false;
  readonly commits: (string | null)[] = [];
  commit: () => Promise<void> = async () => undefined;

  readonly #broker = {
    metadata: async ([topic = '']: readonly string[]) => ({
      topicMetadata: [{ topic, partitionMetadata: [{ partitionId: 0, leader: 1 }] }],
    }),
    listOffsets: async ({ topics }: { topics: { topic: string }[] }) => ({
      responses: topics.map(({ topic }) => ({ topic, partitions: [{ partition: 0, offset: '0' }] })),
    }),
    fetch: async ({ topics }: { topics: { topic: string; partitions: { fetchOffset: string }[] }[] }) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const isNew = topics.some(
        ({ topic, partitions }) => topic === 'test_orders' && partitions[0]?.fetchOffset === '0',
      );
      const messages = isNew ? [{ offset: '0', timestamp: '1000', key: null, value: Buffer.from('x') }] : [];
      return { responses: [{ topicName: 'test_orders', partitions: [{ partition: 0, messages }] }] };
    },
    offsetFetch: async ({ topics }: { topics: { topic: string }[] }) => ({
      responses: topics.map(({ topic }) => ({ topic, partitions: [{ partition: 0, offset: '-1', metadata: '' }] })),
    }),
    offsetCommit: async ({ topics }: { topics: { partitions: CommittedOffset[] }[] }) => {
      await this.commit();
      this.commits.push(topics[0]?.partitions[0]?.metadata ?? null);
    },
    joinGroup: async () => {
      this.isRebalancing = false;
      return { generationId: 1, leaderId: 'other', memberId: 'me', members: [] };
    },
    syncGroup: async () => ({ memberAssignment: encodeAssignment('test_orders', this.assigned) }),
    heartbeat: async () => {
      if (this.isRebalancing) throw Object.assign(new Error('rebalance'), { type: 'REBALANCE_IN_PROGRESS' });
    },
    leaveGroup: async () => undefined,
  };

  #link(): Link {
    const broker = this.#broker as unknown as Broker;
    const cluster = {
      getNodeIds: () => ['1'],
      findBroker: async () => broker,
      findGroupCoordinator: async () => broker,
      refreshMetadata: async () => undefined,
    };
    return { cluster, closed: false, close: async () => undefined } as unknown as Link;
  }

  async receiver(revoked: unknown[] = []): Promise<KafkaReceiver> {
    const context = {
      namespace: 'test',
      clock: systemClock,
      logger: silentLogger,
      ownerId: 'me',
      tiersMs: [1000],
      minSessionMs: 400,
    } as unknown as DriverContext;
    const from = { kind: 'queue', name: 'orders', ordering: 'none', partitions: 1 } as const;
    const options = {
      maxInFlight: 10,
      maxBytes: 1_000_000,
      ordered: false,
      leaseMs: 400,
      onLost: () => undefined,
      onRevoking: (tokens: readonly unknown[]) => void revoked.push(...tokens),
    };
    const receiver = new KafkaReceiver(context, from, options, [this.#link(), this.#link()]);
    await receiver.start();
    return receiver;
  }
}

test('a commit that is refused is told, however much there is to hand out', async () => {
  const cluster = new FakeCluster();
  cluster.commit = () => Promise.reject(Object.assign(new Error('refused'), { type: 'GROUP_AUTHORIZATION_FAILED' }));
  const receiver = await cluster.receiver();
  await expect(receiver.receive(wanted)).rejects.toThrow('refused');
  await receiver.close();
});

test('what the group asks for while it is written down is not handed out any more, and leaves', async () => {
  const cluster = new FakeCluster();
  const revoked: unknown[] = [];
  const receiver = await cluster.receiver(revoked);
  const { promise: reserving, resolve: begun } = Promise.withResolvers<void>();
  const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>();
  cluster.commit = () => {
    begun();
    return mayCommit;
  };
  const stop = new AbortController();
  const receiving = receiver.receive({ ...wanted, signal: stop.signal });
  await reserving;
  cluster.assigned = [];
  cluster.isRebalancing = true;
  await expect.poll(() => revoked.length).toBe(1);
  commit();
  await expect.poll(() => cluster.commits.at(-1)).toBe('');
  stop.abort();
  expect(await receiving).toEqual([]);
  await receiver.close();
});
