import assert from 'node:assert/strict';
import { reject } from '@anymq/core';
import { physicalName } from '@anymq/core/driver';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import type { RawMessage } from '../harness.ts';

/** As a program that knows nothing of anymq, to the queue 'jobs'. */
async function write(context: CaseContext, body: string, headers: RawMessage['headers']): Promise<void> {
  const address = { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 8 } as const;
  const physical = physicalName(context.namespace, address);
  await context.harness.writeForeign?.({ ...address, physical }, { body: new TextEncoder().encode(body), headers });
}

export const foreign: readonly ConformanceCase[] = casesOf('G5', [
  {
    name: 'a message that another program wrote is handled, with an id and a time; one that is no JSON is set aside',
    needs: ['writeForeign'],
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await member.client.provision([queue]);
      await write(context, '{"n": 1}', { tenant: 'b' });
      await write(context, 'no JSON', {});
      await context.consume(member, queue, {});
      await context.untilHandled(1);
      const [{ delivery, attempt } = assert.fail()] = context.runs;
      assert.equal(attempt, 1);
      assert.ok(delivery.message.id !== '' && Math.abs(Date.now() - delivery.message.time.getTime()) < 60_000);
      assert.equal(delivery.message.headers['tenant'], 'b');
      await context.untilLetters(member, queue, 1);
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'forged or broken metadata of another program hold up nothing',
    needs: ['writeForeign'],
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await member.client.provision([queue]);
      await write(context, '{"n": 1}', { 'anymq-attempt': '1e99', 'anymq-failure': '{broken', 'anymq-due': 'soon' });
      await write(context, '{"n": 2}', { 'anymq-attempt': '-7', ce_time: 'yesterday', ce_id: '', traceparent: 'no' });
      await write(context, '{"n": 3}', {
        'anymq-failure': '{"attempts":-1,"firstFailedAt":"x"}',
        'anymq-version': '999',
      });
      await context.send(member, queue, { n: 4 });
      await context.consume(member, queue, {}, ({ body }) =>
        (body as { n: number }).n === 3 ? reject('seen') : undefined,
      );
      await context.until(
        'all have run',
        () => context.runs.filter(({ result }) => result === 'returned').length === 4,
      );
      for (const { attempt, id, delivery } of context.runs) {
        assert.ok(Number.isInteger(attempt) && attempt >= 1 && attempt <= 1_000_000, `attempt ${attempt}`);
        assert.ok(id !== '' && !Number.isNaN(delivery.message.time.getTime()));
      }
      const [letter] = await context.untilLetters(member, queue, 1);
      assert.ok(letter !== undefined && letter.attempts >= 1 && !Number.isNaN(letter.firstFailedAt.getTime()));
      context.leaves(queue, { deadLetters: 1 });
    },
  },
]);
