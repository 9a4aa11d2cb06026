import { type Address, silentLogger, systemClock } from '@anymq/core/driver';
import { expect, test } from 'vitest';
import type { Broker, CommittedOffset, FetchedRecord } from '../src/protocol.ts';
import { createDeadLetterStore } from '../src/dead-letters.ts';
import type { DriverContext } from '../src/driver-context.ts';
import type { Write, Writer, Written } from '../src/writer.ts';
import { linkTo, metadataOf } from './support/fakes.ts';

const address: Address = { kind: 'queue', name: 'orders', ordering: 'none', partitions: 1 };

/** Three letters, and a coordinator and a writer that can fail. */
class FakeCluster {
  readonly written: Write[] = [];
  failsToCommit = false;
  failsToAnswer = false;
  failsToWrite = false;
  #committed: CommittedOffset = { partition: 0, offset: '-1', metadata: '' };

  readonly #broker: Partial<Broker> = {
    metadata: async ([topic = '']) => metadataOf(topic),
    listOffsets: async ({ topics }) => ({
      responses: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ timestamp }) => ({ partition: 0, offset: timestamp === -1 ? '3' : '0' })),
      })),
    }),
    fetch: async () => {
      const partition = { partition: 0, errorCode: 0, highWatermark: '3', messages: [0, 1, 2].map(recordAt) };
      return { responses: [{ topicName: 'dead', partitions: [partition] }] };
    },
    offsetFetch: async ({ topics }) => ({
      responses: topics.map(({ topic }) => ({ topic, partitions: [this.#committed] })),
    }),
    offsetCommit: async ({ topics }) => {
      if (this.failsToCommit) throw new Error('refused');
      this.#committed = topics[0]?.partitions[0] ?? this.#committed;
      if (this.failsToAnswer) throw new Error('no answer');
    },
  };

  get context(): DriverContext {
    const writer: Partial<Writer> = {
      write: async (writes: readonly Write[]): Promise<Written> => {
        if (this.failsToWrite) return { offsets: [], error: new Error('refused') };
        this.written.push(...writes);
        return { offsets: writes.map(() => '0') };
      },
    };
    const context: Partial<DriverContext> = {
      link: linkTo(this.#broker),
      writer: writer as Writer,
      namespace: 'test',
      clock: systemClock,
      logger: silentLogger,
    };
    return context as DriverContext;
  }
}

function recordAt(offset: number): FetchedRecord {
  return { offset: String(offset), timestamp: '1000', key: null, value: Buffer.from('x') };
}

test('a letter whose removal was not confirmed is there, and can be removed again', async () => {
  const cluster = new FakeCluster();
  const store = createDeadLetterStore(cluster.context, address);
  const [first] = (await store.page(undefined, { limit: 10 })).letters;
  const refs = [first?.ref as object];
  cluster.failsToCommit = true;
  await expect(store.remove(refs)).rejects.toThrow('refused');
  cluster.failsToCommit = false;
  expect(await store.remove(refs)).toEqual([{ ok: true }]);
  expect((await store.page(undefined, { limit: 10 })).letters.length).toBe(2);
});

test('a letter that was removed without an answer counts as removed by us', async () => {
  const cluster = new FakeCluster();
  const store = createDeadLetterStore(cluster.context, address);
  const [first] = (await store.page(undefined, { limit: 10 })).letters;
  cluster.failsToAnswer = true;
  await expect(store.remove([first?.ref as object])).rejects.toThrow('no answer');
  cluster.failsToAnswer = false;
  expect(await store.remove([first?.ref as object])).toEqual([{ ok: true }]);
});

test('a letter that was sent back and could not be taken out is taken out by the next try, and sent back once', async () => {
  const cluster = new FakeCluster();
  const store = createDeadLetterStore(cluster.context, address);
  const [first] = (await store.page(undefined, { limit: 10 })).letters;
  const refs = [first?.ref as object];
  cluster.failsToCommit = true;
  await expect(store.requeue(refs)).rejects.toThrow('refused');
  cluster.failsToCommit = false;
  expect(await store.requeue(refs)).toEqual([{ ok: true }]);
  expect((await store.page(undefined, { limit: 10 })).letters.length).toBe(2);
  expect(cluster.written.length).toBe(1);
});

test('a letter that could not be sent back can be sent back again', async () => {
  const cluster = new FakeCluster();
  const store = createDeadLetterStore(cluster.context, address);
  const [first] = (await store.page(undefined, { limit: 10 })).letters;
  const refs = [first?.ref as object];
  cluster.failsToWrite = true;
  expect(await store.requeue(refs)).toMatchObject([{ ok: false, reason: 'error' }]);
  cluster.failsToWrite = false;
  expect(await store.requeue(refs)).toEqual([{ ok: true }]);
});
