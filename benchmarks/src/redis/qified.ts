import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { inChunks } from '../compare/in-chunks.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { peerVersion, requirePeer } from '../peers.ts';

/** What is called of qified and @qified/redis. */
interface QifiedModule {
  readonly Qified: new (options: object) => Qified;
}
interface Qified {
  enqueue(queue: string, task: { readonly data: Order }): Promise<readonly string[]>;
  dequeue(
    queue: string,
    handler: { readonly id: string; readonly handler: (task: { readonly data: Order }) => Promise<void> },
  ): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  disconnect(): Promise<void>;
}
interface QifiedRedis {
  readonly RedisTaskProvider: new (options: object) => TaskProvider;
}
interface TaskProvider {
  connect(): Promise<void>;
  getQueueStats(queue: string): Promise<{ readonly waiting: number; readonly processing: number }>;
  clearQueue(queue: string): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Sends on their way at once: each is three commands, one after the other. */
const atOnce = 500;
/** It polls; every second by default. */
const pollInterval = 10;
let opened = 0;

/** Its tasks, which are kept, and not its messages, which are Redis' PUBLISH. Sender and consumer as two processes would have them. */
export const qified: Contender = {
  name: 'qified',
  role: 'peer',
  version: () => `${peerVersion('qified')} with @qified/redis ${peerVersion('@qified/redis')}`,
  lacks: [
    'sends that are whole or not at all (three commands)',
    'keeping what a consumer takes when its process ends before it has noted that',
    'errors of sends as errors (they are events)',
    'retry after a delay',
    'lease renewal',
    'a bound on handlers at once',
    'waking of an idle consumer (it polls; here every 10 ms)',
    'topics with groups',
    'batch handlers',
    'order by key',
  ],
  omits: ['consume-batch'],
  share: 0.03,
  async open(url) {
    const queue = `qified-bench-${process.pid}-${(opened += 1)}`;
    const { provider, qified: sender } = await createQified(url);
    const send = async (body: Order): Promise<void> => {
      const ids = await sender.enqueue(queue, { data: body });
      if (ids.length === 0) throw new Error('qified: a task was not sent.');
    };
    const held = async (): Promise<number> => {
      const { waiting, processing } = await provider.getQueueStats(queue);
      return waiting + processing;
    };
    const session: Session = {
      sends: sendsBy(send, (bodies) =>
        inChunks(bodies, { size: 1, atOnce }, async ([body]) => {
          if (body !== undefined) await send(body);
        }),
      ),
      consumes: { consume: (onMessage) => consume({ url, queue, held }, onMessage) },
      send,
      held,
      async close() {
        await provider.clearQueue(queue);
        await sender.disconnect();
      },
    };
    return session;
  },
};

interface Opened {
  readonly provider: TaskProvider;
  readonly qified: Qified;
  readonly failed: Promise<never>;
}

async function createQified(url: string): Promise<Opened> {
  const { Qified } = requirePeer<QifiedModule>('qified');
  const { RedisTaskProvider } = requirePeer<QifiedRedis>('@qified/redis');
  const provider = new RedisTaskProvider({ uri: url, pollInterval });
  await provider.connect();
  const client = new Qified({ taskProviders: [provider] });
  const { promise: failed, reject } = Promise.withResolvers<never>();
  client.on('error', reject);
  provider.on('error', reject);
  return { provider, qified: client, failed };
}

interface Place {
  readonly url: string;
  readonly queue: string;
  readonly held: () => Promise<number>;
}

async function consume({ url, queue, held }: Place, onMessage: OnMessage): Promise<Consuming> {
  const { qified: consumer, failed } = await createQified(url);
  await consumer.dequeue(queue, { id: 'bench', handler: ({ data }) => onMessage(data) });
  const drained = async (): Promise<void> => {
    while ((await held()) > 0);
  };
  let stopping: Promise<void> | undefined;
  return { settled: () => Promise.race([drained(), failed]), stop: () => (stopping ??= consumer.disconnect()) };
}
