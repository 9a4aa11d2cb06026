import { Redis } from 'ioredis';
import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { metadata } from '../compare/metadata.ts';
import { peerVersion, requirePeer } from '../peers.ts';

interface Moleculer {
  readonly ServiceBroker: new (options: object) => MoleculerBroker;
}
interface MoleculerBroker {
  createService(schema: object): unknown;
  start(): Promise<void>;
  stop(): Promise<void>;
  sendToChannel(name: string, payload: Order, options: object): Promise<void>;
}
interface Channels {
  readonly Middleware: (options: object) => object;
}

const group = 'bench';
const maxInFlight = 500;
let opened = 0;

/** `maxInFlight` is its documentation's way to more speed. Sends one by one; an array is sent all at once. It gets the same metadata. */
export const moleculerChannels: Contender = {
  name: 'moleculer-channels',
  role: 'peer',
  version: () => peerVersion('@moleculer/channels'),
  lacks: ['lease renewal', 'delays', 'deleting what is handled', 'batch handlers', 'order by key'],
  omits: ['consume-batch'],
  share: 0.15,
  async open(url) {
    const name = `channel-bench-${process.pid}-${(opened += 1)}`;
    const admin = new Redis(url);
    const sender = createBroker(url);
    await sender.start();
    const send = (body: Order): Promise<void> => sender.sendToChannel(name, body, { headers: metadata() });
    const session: Session = {
      sends: sendsBy(send),
      consumes: { consume: (onMessage) => consume({ url, name, admin }, onMessage) },
      send,
      held: () => unhandled(admin, name),
      async close() {
        await sender.stop();
        await admin.del(name);
        admin.disconnect();
      },
    };
    return session;
  },
};

function createBroker(url: string): MoleculerBroker {
  const { ServiceBroker } = requirePeer<Moleculer>('moleculer');
  const { Middleware } = requirePeer<Channels>('@moleculer/channels');
  return new ServiceBroker({
    logger: false,
    skipProcessEventRegistration: true,
    middlewares: [Middleware({ adapter: url })],
  });
}

interface Place {
  readonly url: string;
  readonly name: string;
  readonly admin: Redis;
}

async function consume({ url, name, admin }: Place, onMessage: OnMessage): Promise<Consuming> {
  const broker = createBroker(url);
  broker.createService({
    name: 'bench',
    channels: {
      [name]: {
        group,
        maxInFlight,
        maxRetries: 5,
        deadLettering: { enabled: true, queueName: `${name}-dead` },
        redis: { startID: '0' },
        handler: (body: Order) => onMessage(body),
      },
    },
  });
  await broker.start();
  let stopping: Promise<void> | undefined;
  return {
    async settled() {
      while ((await unhandled(admin, name)) > 0);
    },
    stop: () => (stopping ??= broker.stop()),
  };
}

/** It deletes nothing: what is not yet read, and what is read and not acknowledged. */
async function unhandled(admin: Redis, name: string): Promise<number> {
  if ((await admin.exists(name)) === 0) return 0;
  const groups = (await admin.xinfo('GROUPS', name)) as unknown[][];
  const fields = groups[0];
  if (fields === undefined) return admin.xlen(name);
  const read = (field: string): number => Number(fields[fields.indexOf(field) + 1] ?? 0);
  return read('lag') + read('pending');
}
