import assert from 'node:assert/strict';
import { rejectsWith, assertSameBytes } from '../assertions.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, failsFirst, fails, raw } from '../ingredients.ts';
import type { CaseContext } from '../case-context.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const bodies: Readonly<Record<string, Uint8Array>> = {
  empty: new Uint8Array(0),
  'one-zero': new Uint8Array([0]),
  'one-letter': utf8('a'),
  'all-values': Uint8Array.from({ length: 256 }, (_, value) => value),
  'invalid-utf8': new Uint8Array([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xf8]),
  'control-characters': new Uint8Array([0x01, 0x0b, 0x1f, 0x7f]),
  'looks-like-base64': utf8('aGVsbG8gd29ybGQ='),
  'looks-like-json': utf8('{"data":"\\u0000","n":1e999}'),
  'line-ends': utf8('one\r\ntwo\n\rthree\u2028four'),
  emoji: utf8('Zürich ✓ 客 🚀 \u{10FFFF} \uFFFE \uFEFFBOM'),
  'leading-bom': new Uint8Array([0xef, 0xbb, 0xbf, 0x61]),
  spaces: utf8('   '),
};

/** Bytes that no compression and no text encoding makes smaller. */
function noise(length: number): Uint8Array {
  const made = new Uint8Array(length);
  let state = 0x9e3779b9;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    made[index] = state >>> 24;
  }
  return made;
}

/** Header names and values of 16 KiB in all. */
const fullHeaders: Readonly<Record<string, string>> = {
  first: 'x'.repeat(8192 - 5),
  second: 'ü'.repeat((8192 - 6) / 2),
};

export const bodyBytes: readonly ConformanceCase[] = casesOf('G14', [
  {
    name: 'bodies arrive byte for byte, at the first attempt and at a retry: empty, binary, invalid UTF-8, every byte value',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('bytes', raw);
      for (const [id, body] of Object.entries(bodies)) await context.send(member, queue, body, { id });
      await context.consume(member, queue, { retry: attempts(2) }, failsFirst(1));
      await context.untilHandled(Object.keys(bodies).length);
      for (const { id, body } of context.runs)
        assertSameBytes(body as Uint8Array, bodies[id] ?? assert.fail(`no such body: ${id}`));
    },
  },
  {
    name: 'the same bodies come back from the dead letters as they were',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('bytes', raw);
      for (const [id, body] of Object.entries(bodies)) await context.send(member, queue, body, { id });
      let broken = true;
      await context.consume(member, queue, { retry: false }, () => {
        if (broken) throw new Error('fails');
      });
      const count = Object.keys(bodies).length;
      for (const letter of await context.untilLetters(member, queue, count))
        assertSameBytes(letter.body, bodies[letter.id] ?? assert.fail());
      broken = false;
      await member.client.deadLetters(queue).redrive();
      await context.untilHandled(count);
      for (const { id, body } of context.runs) assertSameBytes(body as Uint8Array, bodies[id] ?? assert.fail());
    },
  },
  {
    name: 'the driver takes at least 128 KiB, and a body of exactly its limit arrives; one byte more is TOO_LARGE, not sent',
    async run(context) {
      assert.ok(context.limits.maxBodyBytes >= 131_072);
      const member = await context.connect();
      const queue = context.queue('bytes', raw);
      const largest = noise(context.limits.maxBodyBytes);
      await rejectsWith(context.send(member, queue, new Uint8Array(largest.length + 1)), 'TOO_LARGE', 'not-sent');
      await context.send(member, queue, largest, { id: 'largest' });
      await context.consume(member, queue, {});
      await context.untilHandled(1, 30_000);
      assertSameBytes(context.runs[0]?.body as Uint8Array, largest);
      assert.equal(context.runs.length, 1);
    },
  },
  {
    name: 'the largest message that is accepted can be retried, dead-lettered with a long reason, listed and redriven',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('bytes', raw);
      const largest = noise(context.limits.maxBodyBytes);
      const options = { id: 'i'.repeat(128), key: 'k'.repeat(256), headers: fullHeaders };
      await context.send(member, queue, largest, options);
      let broken = true;
      await context.consume(member, queue, { retry: attempts(2) }, () => {
        if (broken) throw new Error('a long story: '.repeat(5000));
      });
      const [letter] = await context.untilLetters(member, queue, 1);
      assert.ok(letter !== undefined && letter.reason.message.startsWith('a long story: '));
      assertSameBytes(letter.body, largest);
      broken = false;
      assert.equal((await member.client.deadLetters(queue).redrive()).redriven, 1);
      await context.untilHandled(1, 30_000);
      const { delivery, body } = context.runs.at(-1) ?? assert.fail();
      assertSameBytes(body as Uint8Array, largest);
      assert.deepEqual(
        { id: delivery.message.id, key: delivery.message.key, headers: { ...delivery.message.headers } },
        options,
      );
    },
  },
  {
    name: "a destination's own maxBytes is kept to",
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('bytes', { ...raw, maxBytes: 100 });
      await rejectsWith(context.send(member, queue, new Uint8Array(101)), 'TOO_LARGE', 'not-sent');
      await context.send(member, queue, new Uint8Array(100));
      await context.consume(member, queue, {});
      await context.untilHandled(1);
    },
  },
  { name: 'headers of 16 KiB arrive; one byte more is TOO_LARGE', run: (context) => fullHeadersArrive(context) },
  {
    name: 'a body of a batch is the same as that of a single message',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('bytes', raw);
      const entries = Object.entries(bodies);
      const results = await context.producer(member, queue).sendMany(
        entries.map(([, body]) => body),
        (_body, index) => ({ id: entries[index]?.[0] ?? '' }),
      );
      assert.ok(results.every(({ ok }) => ok));
      const seen = new Map<string, Uint8Array>();
      await context.consumeBatches(member, queue, { maxWaitMs: 10 }, async (batch) => {
        for (const { message, body } of batch) seen.set(message.id, body);
        context.log.wake();
      });
      await context.until('all were handled', () => seen.size === entries.length);
      for (const [id, body] of entries) assertSameBytes(seen.get(id) ?? assert.fail(), body);
    },
  },
  {
    name: 'a body that the codec cannot take is refused before sending',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue<unknown>('jobs');
      const cycle: Record<string, unknown> = {};
      cycle['self'] = cycle;
      for (const body of [cycle, undefined, 10n, () => 1])
        await rejectsWith(member.client.producer(queue).send(body), 'INVALID_MESSAGE');
    },
  },
]);

async function fullHeadersArrive(context: CaseContext): Promise<void> {
  const member = await context.connect();
  const queue = context.queue('bytes', raw);
  const body = new Uint8Array([1]);
  const tooMany = { ...fullHeaders, first: `${fullHeaders['first']}x` };
  await rejectsWith(context.send(member, queue, body, { headers: tooMany }), 'TOO_LARGE', 'not-sent');
  await context.send(member, queue, body, { headers: fullHeaders });
  await context.consume(member, queue, { retry: attempts(2) }, fails);
  const [letter] = await context.untilLetters(member, queue, 1);
  assert.deepEqual({ ...letter?.headers }, fullHeaders);
  for (const { delivery } of context.runs) assert.deepEqual({ ...delivery.message.headers }, fullHeaders);
  context.leaves(queue, { deadLetters: 1 });
}
