import { Socket } from 'node:net';
import { connect, defineQueue, type Client } from '@anymq/core';
import { type AmqpConnection, rabbitmq } from '@anymq/rabbitmq';
import { sharedBroker } from '@anymq/testing/brokers';
import { connect as connectRaw, type Channel } from 'amqplib';
import { describe, expect, test, vi } from 'vitest';

const url = sharedBroker('rabbitmq')?.url ?? '';
const jobs = defineQueue<number>('jobs');

/** What the client does on its channels. */
class Watch {
  readonly acknowledgements = { merged: 0, single: 0 };
  readonly #consumed: { readonly queue: string; readonly channel: Channel }[] = [];

  /** The last that the queue was consumed on. */
  channelOf(queue: string | undefined): Channel {
    const found = this.#consumed.findLast((each) => each.queue === queue);
    if (found === undefined) throw new Error(`Nobody consumes ${queue}.`);
    return found.channel;
  }

  readonly connect = async (): Promise<AmqpConnection> => {
    const connection = await connectRaw(url, { noDelay: true });
    const create = connection.createChannel.bind(connection);
    connection.createChannel = async () => this.#watched(await create());
    return connection;
  };

  #watched(channel: Channel): Channel {
    const consume = channel.consume.bind(channel);
    channel.consume = (queue, ...rest) => {
      this.#consumed.push({ queue, channel });
      return consume(queue, ...rest);
    };
    const ack = channel.ack.bind(channel);
    channel.ack = (message, allUpTo) => {
      this.acknowledgements[allUpTo === true ? 'merged' : 'single'] += 1;
      ack(message, allUpTo);
    };
    return channel;
  }
}

async function withClient(work: (mq: Client, watch: Watch) => Promise<void>): Promise<void> {
  const watch = new Watch();
  const main = { driver: 'rabbitmq', connect: watch.connect };
  const namespace = `w${crypto.randomUUID().slice(0, 8)}`;
  await using mq = await connect({ brokers: { main }, namespace }, { drivers: [rabbitmq] });
  await work(mq, watch);
  await mq.remove([jobs]);
}

describe.runIf(url !== '')('a consumer', { timeout: 30_000 }, () => {
  test('acknowledges many messages at once, and leaves none', async () => {
    await withClient(async (mq, { acknowledgements }) => {
      const count = 2000;
      await mq.producer(jobs).sendMany(Array.from({ length: count }, (_, n) => n));
      const all = Promise.withResolvers<void>();
      let handled = 0;
      const consumer = mq.consumer(jobs, { concurrency: 100 }, () => {
        if ((handled += 1) === count) all.resolve();
      });
      await consumer.start();
      await all.promise;
      await consumer.stop();
      expect(await mq.inspect(jobs)).toMatchObject({ backlog: { value: 0 } });
      expect(acknowledgements.merged + acknowledgements.single).toBeLessThan(count / 10);
    });
  });

  test('whose channel the broker closes goes on by itself', async () => {
    await withClient(async (mq, watch) => {
      const producer = mq.producer(jobs);
      let heard: (n: number) => void = () => undefined;
      const consumer = mq.consumer(jobs, {}, (n) => heard(n));
      const handled = async (n: number): Promise<void> => {
        const done = new Promise<void>((resolve) => (heard = (each) => void (each === n && resolve())));
        await producer.send(n);
        await done;
      };
      await consumer.start();
      await handled(1);
      const { queue } = mq.physicalNames(jobs);
      const channel = watch.channelOf(queue);
      const closed = new Promise((resolve) => channel.on('close', resolve));
      // A tag that was never delivered: PRECONDITION_FAILED.
      channel.ack({ fields: { deliveryTag: 1_000_000 } } as Parameters<Channel['ack']>[0]);
      await closed;
      await handled(2);
      expect(watch.channelOf(queue)).not.toBe(channel);
      await consumer.stop();
    });
  });

  test.each([2, 60])(
    'whose %i handlers all run has no more at the broker than it could start soon',
    async (concurrency) => {
      await withClient(async (mq, watch) => {
        await mq.producer(jobs).sendMany(Array.from({ length: 500 }, (_, n) => n));
        const full = Promise.withResolvers<void>();
        const over = Promise.withResolvers<void>();
        let running = 0;
        const consumer = mq.consumer(jobs, { concurrency }, async () => {
          if ((running += 1) === concurrency) full.resolve();
          await over.promise;
        });
        await consumer.start();
        await full.promise;
        const { queue = '' } = mq.physicalNames(jobs);
        const { messageCount } = await watch.channelOf(queue).checkQueue(queue);
        const fetched = 500 - messageCount;
        expect(fetched).toBeGreaterThanOrEqual(concurrency);
        expect(fetched).toBeLessThanOrEqual(3 * concurrency + 5);
        over.resolve();
        await consumer.stop();
      });
    },
  );
});

test.runIf(url !== '')('small frames do not wait for the acknowledgement of those before: noDelay', async () => {
  const setNoDelay = vi.spyOn(Socket.prototype, 'setNoDelay');
  await using mq = await connect({ brokers: { main: url } }, { drivers: [rabbitmq] });
  await mq.check();
  expect(setNoDelay.mock.calls.flat().filter((noDelay) => noDelay === true).length).toBeGreaterThanOrEqual(2);
  setNoDelay.mockRestore();
});
