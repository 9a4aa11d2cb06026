import assert from 'node:assert/strict';
import type { SendOptions } from '@anymq/core';
import { rejectsWith } from '../assertions.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, failsFirst } from '../ingredients.ts';

const headers: Readonly<Record<string, string>> = {
  plain: 'value',
  'X-Mixed-Case': 'Mixed Case',
  empty: '',
  'trailing-space': ' both ends ',
  unicode: 'Zürich ✓ 客 🚀',
  'größe-✓': 'unicode name',
  'with space': 'name with a space',
  'quotes"\'and\\slashes/': '"quoted" \\ and / and \' too',
  lines: 'one\r\ntwo\tthree',
  number: '007',
  constructor: 'a name that objects have',
  toString: 'another one',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=value',
};

export const attributes: readonly ConformanceCase[] = casesOf('G14', [
  {
    name: 'headers arrive as sent, at the first attempt and at a retry: case, spaces, unicode names and values',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 }, { headers });
      await context.send(member, queue, { n: 2 });
      await context.consume(member, queue, { retry: attempts(2) }, failsFirst(1));
      await context.untilHandled(2);
      for (const { delivery, body } of context.runs) {
        assert.deepEqual({ ...delivery.message.headers }, (body as { n: number }).n === 1 ? headers : {});
      }
    },
  },
  {
    name: 'id, key, time, type, source and content type arrive as sent, at the first attempt and at a retry',
    async run(context) {
      const member = await context.connect({ source: '/shop/ü' });
      const queue = context.queue('jobs', { type: ({ n }) => `com.example.job.v${n}` });
      const before = Date.now();
      const options = { id: 'ID with spaces / ü ✓', key: 'clé-客' };
      await context.send(member, queue, { n: 1 }, options);
      const after = Date.now();
      await context.consume(member, queue, { retry: attempts(3) }, failsFirst(2));
      await context.untilHandled(1);
      for (const { delivery } of context.runs) {
        const { id, key, time, type, source, contentType } = delivery.message;
        assert.deepEqual({ id, key }, options);
        assert.deepEqual([type, source, contentType], ['com.example.job.v1', '/shop/ü', 'application/json']);
        assert.ok(time.getTime() >= before && time.getTime() <= after, 'the time of the send');
        assert.equal(delivery.destination, 'jobs');
        assert.equal(delivery.group, undefined);
      }
    },
  },
  {
    name: 'without a key there is none; without an id there is a new one for each',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const receipts = [await context.send(member, queue, { n: 1 }), await context.send(member, queue, { n: 2 })];
      assert.notEqual(receipts[0]?.id, receipts[1]?.id);
      await context.consume(member, queue, {});
      await context.untilHandled(2);
      assert.deepEqual([...context.handled()].toSorted(), receipts.map(({ id }) => id).toSorted());
      assert.ok(context.runs.every(({ key }) => key === undefined));
    },
  },
  {
    name: 'keys of 256 bytes arrive; what breaks the rules of keys, ids and headers is refused before sending',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const key = 'ü'.repeat(128);
      await context.send(member, queue, { n: 1 }, { key });
      const refused: readonly SendOptions[] = [
        { key: `${key}x` },
        { key: '' },
        { id: '' },
        { id: 'x'.repeat(129) },
        { key: '\uD800' },
        { headers: { name: '\uDC00' } },
        { headers: { '': 'no name' } },
        { headers: { number: 7 as never } },
        { headers: { 'anymq-attempt': '1' } },
        { headers: { ce_id: 'x' } },
        { headers: { 'ce-id': 'x' } },
        { headers: { cloudEvents_id: 'x' } },
        { headers: { 'cloudEvents:id': 'x' } },
        { misspelt: true } as never,
      ];
      for (const options of refused)
        await rejectsWith(member.client.producer(queue).send({ n: 2 }, options), 'INVALID_OPTION');
      await context.consume(member, queue, {});
      await context.untilHandled(1);
      assert.deepEqual(
        context.runs.map((run) => run.key),
        [key],
      );
    },
  },
  {
    name: 'a body that fails its schema, and a key function that throws, are refused before sending',
    async run(context) {
      const { client } = await context.connect();
      const refusing = context.queue('jobs', {
        schema: {
          '~standard': {
            version: 1,
            vendor: 'conformance',
            validate: () => ({ issues: [{ message: 'no: secret', path: ['n'] }] }),
          },
        },
      });
      const error = await rejectsWith(client.producer(refusing).send({ n: 1 }), 'INVALID_MESSAGE');
      assert.ok(!error.message.includes('secret'));
      const throwing = context.queue('keyed', {
        key() {
          throw new Error('secret');
        },
      });
      const second = await rejectsWith(client.producer(throwing).send({ n: 1 }), 'INVALID_MESSAGE');
      assert.ok(!second.message.includes('secret'));
    },
  },
]);
