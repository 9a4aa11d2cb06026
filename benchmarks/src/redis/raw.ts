import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { inChunks } from '../compare/in-chunks.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { clientVersion } from '../versions.ts';
import { storedEntry } from './stored-entry.ts';

const perPipeline = 500;
/** Pipelines on their way at once. More made it no faster. */
const pipelinesAtOnce = 4;
const group = 'raw';
let opened = 0;

/**
 * What a careful person writes by hand, as fast as ioredis lets them. It does the product's work: every entry has the same
 * fields (an id of its own, the time, the CloudEvents attributes), the body is JSON, a send has been answered by the server
 * when it counts, a message is acknowledged and deleted after its handler, and what is read is decoded, fields and body.
 * It has no retry, no dead letters, no renewal, and would lose its place in every failure that the product survives.
 */
export const rawRedis: Contender = {
  name: 'raw ioredis',
  role: 'raw',
  version: () => clientVersion('ioredis'),
  lacks: ['retry', 'dead letters', 'lease renewal', 'reconnecting consumers'],
  async open(url) {
    const stream = `raw-bench-${process.pid}-${(opened += 1)}`;
    const redis = new Redis(url);
    await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
    const add = async (body: Order): Promise<void> => {
      await redis.xadd(stream, '*', ...fieldsOf(body));
    };
    const session: Session = {
      sends: sendsBy(add, (bodies) =>
        inChunks(bodies, { size: perPipeline, atOnce: pipelinesAtOnce }, (some) => addAll(redis, stream, some)),
      ),
      consumes: {
        consume: (onMessage) => consume(redis, stream, onMessage),
        'consume-batch': (onMessage) => consume(redis, stream, onMessage),
      },
      send: add,
      held: () => redis.xlen(stream),
      stored: () => storedEntry(url, stream),
      async close() {
        await redis.del(stream);
        redis.disconnect();
      },
    };
    return session;
  },
};

function fieldsOf(body: Order): string[] {
  return [
    'ce_specversion',
    '1.0',
    'ce_id',
    randomUUID(),
    'ce_source',
    '/bench-raw01',
    'ce_type',
    'bench',
    'ce_time',
    new Date().toISOString(),
    'anymq-version',
    '1',
    'content-type',
    'application/json',
    'data',
    JSON.stringify(body),
  ];
}

async function addAll(redis: Redis, stream: string, bodies: readonly Order[]): Promise<void> {
  const pipeline = redis.pipeline();
  for (const body of bodies) pipeline.xadd(stream, '*', ...fieldsOf(body));
  for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
}

type Reply = readonly (readonly [string, readonly (readonly [string, readonly string[]])[]])[] | null;

/** Reads the next 500 on a connection of its own while 500 are handled, and ends those with one XACK and one XDEL. */
async function consume(redis: Redis, stream: string, onMessage: OnMessage): Promise<Consuming> {
  const reader = redis.duplicate();
  let isStopped = false;
  let ending: Promise<unknown> = Promise.resolve();
  const read = () =>
    reader.xreadgroup(
      'GROUP',
      group,
      'one',
      'COUNT',
      perPipeline,
      'BLOCK',
      1000,
      'STREAMS',
      stream,
      '>',
    ) as Promise<Reply>;
  const loop = async (): Promise<void> => {
    let next = read();
    while (!isStopped) {
      const reply = await next;
      next = read();
      const entries = reply?.[0]?.[1] ?? [];
      if (entries.length === 0) continue;
      await Promise.all(entries.map(([, fields]) => onMessage(decode(fields).body)));
      const ids = entries.map(([id]) => id);
      // The end of one batch is on its way while the next is handled.
      await ending;
      ending = redis
        .pipeline()
        .xack(stream, group, ...ids)
        .xdel(stream, ...ids)
        .exec();
    }
    await next;
  };
  const looping = loop().catch((error: unknown) => {
    if (!isStopped) throw error;
  });
  return {
    async settled() {
      // The last handler has returned a little before the loop gets to its acknowledgement.
      while ((await redis.xlen(stream)) > 0);
      await ending;
    },
    async stop() {
      isStopped = true;
      reader.disconnect();
      await looping;
    },
  };
}

/** The attributes by name, and the body: what a handler is given. */
function decode(fields: readonly string[]): { readonly attributes: Record<string, string>; readonly body: Order } {
  const attributes: Record<string, string> = {};
  let data = '';
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] as string;
    const value = fields[index + 1] as string;
    if (name === 'data') data = value;
    else attributes[name] = value;
  }
  return { attributes, body: JSON.parse(data) as Order };
}
