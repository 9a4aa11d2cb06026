import assert from 'node:assert/strict';
import type { DeadLetter, SendOptions } from '@anymq/core';
import { assertSameBytes } from '../assertions.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, fails, jobs, raw } from '../ingredients.ts';
import type { Run } from '../run-log.ts';

class PaymentRefused extends Error {
  override readonly name = 'PaymentRefused';
  readonly code = 'E_CARD';
}

const body = new Uint8Array([0, 255, 254, 10, 13, 0, 195, 40, 128]);
const options = {
  id: 'the-letter',
  key: 'kunde-ß-客',
  headers: { tenant: 'a', 'X-Mixed-Case': 'Zürich ✓ 客 🚀', empty: '' },
} satisfies SendOptions;

function assertRestored({ delivery, attempt }: Run): void {
  assert.equal(attempt, 1);
  assert.equal(delivery.message.id, options.id);
  assert.equal(delivery.message.key, options.key);
  assert.deepEqual({ ...delivery.message.headers }, options.headers);
  assertSameBytes(delivery.message.body, body);
}

export const letterRecord: readonly ConformanceCase[] = casesOf('G6', [
  {
    name: 'a dead letter keeps id, body, key, headers, reason, attempts, dates, destination and group',
    async run(context) {
      const member = await context.connect();
      const topic = context.topic('payments', { ...raw, groups: ['billing'] });
      await member.client.provision([topic]);
      await context.consume(member, topic, { group: 'billing', retry: attempts(2, 50) }, () => {
        throw new PaymentRefused('card expired: Zürich ✓');
      });
      const before = Date.now();
      await context.send(member, topic, body, options);
      const [letter] = await context.untilLetters(member, topic, 1, 'billing');
      assert.ok(letter !== undefined);
      assertSameBytes(letter.body, body);
      const { id, key, headers, attempts: runs, destination, group, reason } = letter;
      assert.deepEqual({ id, key, headers: { ...headers } }, options);
      assert.deepEqual({ runs, destination, group }, { runs: 2, destination: 'payments', group: 'billing' });
      assert.deepEqual(
        [reason.name, reason.code, reason.message],
        ['PaymentRefused', 'E_CARD', 'card expired: Zürich ✓'],
      );
      assert.ok(reason.stack?.includes('card expired'), 'the stack');
      assertDates(letter, before);
      context.leaves(topic, { deadLetters: 1 }, 'billing');
    },
  },
  {
    name: 'redrive restores the original exactly, at attempt 1',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('payments', raw);
      await context.send(member, queue, body, options);
      let broken = true;
      await context.consume(member, queue, { retry: attempts(2) }, () => {
        if (broken) throw new PaymentRefused('card expired');
      });
      await context.untilLetters(member, queue, 1);
      broken = false;
      assert.deepEqual(await member.client.deadLetters(queue).redrive(), { redriven: 1, skipped: 0, failed: 0 });
      await context.untilHandled(1);
      assert.equal(context.runs.length, 3);
      for (const run of [context.runs[0], context.runs[2]]) assertRestored(run ?? assert.fail());
      assert.deepEqual(await context.letters(member, queue), []);
    },
  },
  {
    name: 'the time, type and source of the original come back with a redrive',
    async run(context) {
      const member = await context.connect({ source: '/tests/source' });
      const queue = context.queue('jobs', { type: 'com.example.job' });
      await context.send(member, queue, { n: 1 });
      let broken = true;
      await context.consume(member, queue, { retry: false }, () => {
        if (broken) throw new Error('fails');
      });
      await context.untilLetters(member, queue, 1);
      broken = false;
      await member.client.deadLetters(queue).redrive();
      await context.untilHandled(1);
      const [first, second] = context.runs.map(({ delivery: { message } }) => [
        message.time.getTime(),
        message.type,
        message.source,
        message.contentType,
      ]);
      assert.deepEqual(second, first);
      assert.deepEqual(first?.slice(1), ['com.example.job', '/tests/source', 'application/json']);
    },
  },
  {
    name: 'redrive reaches the failing group alone',
    async run(context) {
      const topic = context.topic('news', { groups: ['weak', 'strong'] });
      const [weak, strong] = [await context.connect(), await context.connect()];
      await weak.client.provision([topic]);
      let broken = true;
      await context.consume(strong, topic, { group: 'strong' });
      await context.consume(weak, topic, { group: 'weak', retry: false }, () => {
        if (broken) throw new Error('fails');
      });
      await context.sendJobs(weak, topic, jobs(3));
      await context.untilLetters(weak, topic, 3, 'weak');
      await context.untilHandled(3);
      broken = false;
      assert.equal((await strong.client.deadLetters(topic, { group: 'weak' }).redrive()).redriven, 3);
      await context.until(
        'the weak group handled them',
        () => context.runs.filter(({ member, result }) => member === weak.name && result === 'returned').length === 3,
      );
      await context.send(weak, topic, { n: 4 }, { id: 'sentinel' });
      await context.until('both groups got the sentinel', () => context.runsOf('sentinel').length === 2);
      assert.equal(context.runs.filter(({ member }) => member === strong.name).length, 4);
    },
  },
  {
    name: 'a redriven message that fails again has all its attempts, and is dead-lettered again',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 });
      await context.consume(member, queue, { retry: attempts(2) }, fails);
      await context.untilLetters(member, queue, 1);
      await member.client.deadLetters(queue).redrive();
      await context.until('it ran four times', () => context.runs.length === 4);
      const [letter] = await context.untilLetters(member, queue, 1);
      assert.deepEqual(
        context.runs.map(({ attempt }) => attempt),
        [1, 2, 1, 2],
      );
      assert.equal(letter?.attempts, 2);
      context.leaves(queue, { deadLetters: 1 });
    },
  },
]);

function assertDates({ firstFailedAt, lastFailedAt }: DeadLetter, before: number): void {
  assert.ok(firstFailedAt.getTime() >= before && firstFailedAt.getTime() <= Date.now(), 'first failure');
  assert.ok(
    lastFailedAt.getTime() >= firstFailedAt.getTime() + 45 && lastFailedAt.getTime() <= Date.now(),
    'last failure',
  );
}
