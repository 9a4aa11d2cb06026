import { expect, test } from 'vitest';
import { type Connection, type RedisClient, Reader } from '../src/client.ts';

/** A reader whose server answers an interruption with the next of these: 1 ends the read. */
function openReader({ id = 7 as unknown, answers = [] as (number | Error)[] }) {
  const reply = Promise.withResolvers<unknown>();
  const interruptions: unknown[][] = [];
  let onReady = (): void => undefined;
  const client: RedisClient = {
    status: 'ready',
    connect: async () => undefined,
    call: async () => id,
    callBuffer: () => reply.promise,
    disconnect: () => undefined,
    on(event, listener) {
      if (event === 'ready') onReady = listener;
    },
  };
  const connection = {
    async call(...command: unknown[]) {
      interruptions.push(command);
      const answer = answers[interruptions.length - 1];
      if (answer instanceof Error) throw answer;
      if (answer === 1) reply.resolve(null);
      return answer;
    },
  } as unknown as Connection;
  const reader = new Reader(client, connection, () => undefined);
  onReady();
  return { reader, reply, interruptions };
}

test('an interruption that came before the read had begun, or failed, is repeated until the read has ended', async () => {
  const { reader, interruptions } = openReader({ answers: [0, new Error('cut off'), 1] });
  const read = reader.read('xread');
  await reader.interrupt();
  expect(await read).toBe(null);
  expect(interruptions).toEqual(Array.from({ length: 3 }, () => ['client', 'UNBLOCK', 7]));
});

test('a read that ends by itself is not interrupted any more', async () => {
  const { reader, reply, interruptions } = openReader({ answers: [0, 0, 0] });
  const read = reader.read('xread');
  const interrupting = reader.interrupt();
  await expect.poll(() => interruptions.length).toBe(1);
  reply.resolve([]);
  await interrupting;
  expect(await read).toEqual([]);
  expect(interruptions).toHaveLength(1);
});

test('without a read, or for who may not ask for the id, nothing is interrupted', async () => {
  const idle = openReader({});
  await idle.reader.interrupt();
  const refused = openReader({ id: new Error('NOPERM') });
  const read = refused.reader.read('xread');
  await refused.reader.interrupt();
  refused.reply.resolve(null);
  await read;
  expect([...idle.interruptions, ...refused.interruptions]).toEqual([]);
});
