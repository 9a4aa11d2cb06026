import { silentLogger, systemClock } from '@anymq/core/driver';
import { expect, test } from 'vitest';
import { encodeAssignment } from '../src/assignment.ts';
import type { Link } from '../src/client.ts';
import type { Broker } from '../src/protocol.ts';
import type { DriverContext } from '../src/driver-context.ts';
import { KafkaReceiver } from '../src/receiver.ts';
import { linkTo, metadataOf, refusal } from './support/fakes.ts';

const { signal } = new AbortController();
const wanted = { signal, maxMessages: 10, maxBytes: 1_000_000 };

/** A group of one member, a partition with one message, and commits that do what is asked for. */
class FakeCluster {
  /** The topic that the message is in. */
  filled = 'test_orders';
  readonly deleted = new Set<string>();
  assigned: readonly number[] = [0];
  isRebalancing = false;
  readonly commits: (string | null)[] = [];
  commit: () => Promise<void> = async () => undefined;
  readonly #closed = Promise.withResolvers<void>();

  readonly #broker: Partial<Broker> = {
    metadata: async ([topic = '']) => {
      this.#mustBeThere([topic]);
      return metadataOf(topic);
    },
    listOffsets: async ({ topics }) => ({
      responses: topics.map(({ topic }) => ({ topic, partitions: [{ partition: 0, offset: '0' }] })),
    }),
    fetch: async ({ topics }) => {
      const isNew = topics.some(({ topic, partitions }) => topic === this.filled && partitions[0]?.fetchOffset === '0');
      // Nothing more will come: the request waits, as it does at a broker.
      if (!isNew) await this.#closed.promise;
      const messages = isNew ? [{ offset: '0', timestamp: '1000', key: null, value: Buffer.from('x') }] : [];
      const partition = { partition: 0, errorCode: 0, highWatermark: '1', messages };
      return { responses: [{ topicName: this.filled, partitions: [partition] }] };
    },
    offsetFetch: async ({ topics }) => ({
      responses: topics.map(({ topic }) => ({ topic, partitions: [{ partition: 0, offset: '-1', metadata: '' }] })),
    }),
    offsetCommit: async ({ topics }) => {
      this.#mustBeThere(topics.map(({ topic }) => topic));
      await this.commit();
      this.commits.push(topics[0]?.partitions[0]?.metadata ?? null);
    },
    joinGroup: async () => {
      this.isRebalancing = false;
      return { generationId: 1, leaderId: 'other', memberId: 'me', members: [] };
    },
    syncGroup: async () => ({
      memberAssignment: encodeAssignment('test_orders', { partitions: this.assigned, alive: [] }),
    }),
    heartbeat: async () => {
      if (this.isRebalancing) throw refusal('REBALANCE_IN_PROGRESS');
    },
    leaveGroup: async () => undefined,
  };

  #mustBeThere(topics: readonly string[]): void {
    if (topics.some((topic) => this.deleted.has(topic))) throw refusal('UNKNOWN_TOPIC_OR_PARTITION');
  }

  #link(): Link {
    return linkTo(this.#broker, () => this.#closed.resolve());
  }

  async receiver(revoked: unknown[] = [], lost: unknown[] = []): Promise<KafkaReceiver> {
    const context: Partial<DriverContext> = {
      namespace: 'test',
      clock: systemClock,
      logger: silentLogger,
      ownerId: 'me',
      tiersMs: [1000],
      minSessionMs: 400,
    };
    const from = { kind: 'queue', name: 'orders', ordering: 'none', partitions: 1 } as const;
    const options = {
      maxInFlight: 10,
      maxBytes: 1_000_000,
      ordered: false,
      leaseMs: 400,
      onLost: (tokens: readonly unknown[]) => void lost.push(...tokens),
      onRevoking: (tokens: readonly unknown[]) => void revoked.push(...tokens),
    };
    const receiver = new KafkaReceiver(context as DriverContext, from, options, [this.#link(), this.#link()]);
    await receiver.start();
    return receiver;
  }
}

test('a commit that is refused is told, however much there is to hand out', async () => {
  const cluster = new FakeCluster();
  cluster.commit = () => Promise.reject(refusal('GROUP_AUTHORIZATION_FAILED'));
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

test('when a retry topic is deleted, those who handle its messages are told, and no others', async () => {
  const cluster = new FakeCluster();
  cluster.filled = 'test_orders_retry';
  const lost: unknown[] = [];
  const receiver = await cluster.receiver([], lost);
  const [message] = await receiver.receive(wanted);
  const token = message?.token as object;
  cluster.deleted.add('test_orders_retry');
  await receiver.markStarted([token]);
  expect(lost).toEqual([token]);
  const results = await receiver.settleBatch([{ token, outcome: { kind: 'acknowledge' } }]);
  expect(results).toEqual([{ ok: false, reason: 'lost' }]);
  await receiver.close();
});
