import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { inChunks } from '../compare/in-chunks.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { peerVersion, requirePeer } from '../peers.ts';

/** What is called of BullMQ. */
interface BullMq {
  readonly Queue: new (name: string, options: object) => BullQueue;
  readonly Worker: new (
    name: string,
    work: (job: { readonly data: Order }) => Promise<void>,
    options: object,
  ) => BullWorker;
}
interface BullQueue {
  waitUntilReady(): Promise<unknown>;
  add(name: string, data: Order, options: object): Promise<unknown>;
  addBulk(jobs: readonly { readonly name: string; readonly data: Order; readonly opts: object }[]): Promise<unknown>;
  getJobCounts(...states: readonly string[]): Promise<Readonly<Record<string, number>>>;
  obliterate(options: { readonly force: boolean }): Promise<void>;
  close(): Promise<void>;
}
interface BullWorker {
  on(event: 'error', listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

const perBulk = 500;
const concurrency = 500;
/** As its guide has it for production: retries with a backoff, and jobs removed when they are done. */
const jobOptions = { attempts: 5, backoff: { type: 'exponential', delay: 1000 }, removeOnComplete: true };
let opened = 0;

/** Concurrency and bulk adds are what its documentation recommends for speed. Renews its locks; failed jobs are kept. */
export const bullMq: Contender = {
  name: 'BullMQ',
  role: 'peer',
  version: () => peerVersion('bullmq'),
  lacks: ['topics with groups', 'batch handlers', 'order by key'],
  omits: ['consume-batch'],
  share: 0.1,
  async open(url) {
    const { Queue, Worker } = requirePeer<BullMq>('bullmq');
    const name = `bull-bench-${process.pid}-${(opened += 1)}`;
    const connection = { url };
    const queue = new Queue(name, { connection });
    await queue.waitUntilReady();
    const add = async (body: Order): Promise<void> => {
      await queue.add('order', body, jobOptions);
    };
    const waiting = async (): Promise<number> => {
      const counts = await queue.getJobCounts('wait', 'active');
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    };
    const session: Session = {
      sends: sendsBy(add, (bodies) =>
        inChunks(bodies, { size: perBulk, atOnce: 4 }, async (some) => {
          await queue.addBulk(some.map((data) => ({ name: 'order', data, opts: jobOptions })));
        }),
      ),
      consumes: { consume: (onMessage) => consume(onMessage) },
      send: add,
      held: waiting,
      async close() {
        await queue.obliterate({ force: true });
        await queue.close();
      },
    };
    const consume = async (onMessage: OnMessage): Promise<Consuming> => {
      const worker = new Worker(name, ({ data }) => onMessage(data), {
        connection: { ...connection, maxRetriesPerRequest: null },
        concurrency,
      });
      const failed = Promise.withResolvers<never>();
      worker.on('error', failed.reject);
      await worker.waitUntilReady();
      let stopping: Promise<void> | undefined;
      return {
        async settled() {
          const poll = async (): Promise<void> => {
            while ((await waiting()) > 0);
          };
          await Promise.race([poll(), failed.promise]);
        },
        stop: () => (stopping ??= worker.close()),
      };
    };
    return session;
  },
};
