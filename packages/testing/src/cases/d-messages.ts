import assert from 'node:assert/strict';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import {
  address,
  failure,
  openReceiver,
  orderedAddress,
  outgoing,
  provision,
  proveGone,
  sendAll,
  settleAll,
  take,
} from '../raw-driver.ts';

export const messages: readonly ConformanceCase[] = casesOf('D', [
  {
    name: 'sendBatch gives one outcome per message, in order, with its id',
    async run(context) {
      const driver = await context.driver();
      await provision(driver);
      const sender = await driver.openSender(address);
      const messages = ['a', 'b', 'c'].map((id) => outgoing(id));
      const outcomes = await sender.sendBatch(messages, { signal: new AbortController().signal });
      assert.deepEqual(
        outcomes.map((outcome) => (outcome.ok ? outcome.receipt.id : 'failed')),
        ['a', 'b', 'c'],
      );
      await sender.close();
      const { receiver } = await openReceiver(driver);
      await settleAll(receiver, await take(context, receiver, 3));
      await receiver.close();
      await proveGone(driver);
    },
  },
  {
    name: 'everything that a message carries comes through a retry copy: attempt, failure, extensions',
    async run(context) {
      const driver = await context.driver();
      await provision(driver);
      const sent = outgoing('a', { key: 'k', headers: { tenant: 'a' }, extensions: { 'anymq-later-version': 'kept' } });
      await sendAll(driver, [sent]);
      const { receiver } = await openReceiver(driver);
      const record = failure({
        name: 'TypeError',
        code: 'E',
        stack: 'TypeError: it failed\n    at somewhere',
        attempts: 3,
      });
      const [first = assert.fail()] = await take(context, receiver, 1);
      assert.equal(first.failure, undefined);
      await settleAll(receiver, [first], { kind: 'retry', dueAt: Date.now() + 50, attempt: 4, failure: record });
      const [second = assert.fail()] = await take(context, receiver, 1);
      const { id, key, headers, type, source, contentType, attempt } = second;
      assert.deepEqual(
        { id, key, headers: { ...headers }, type, source, contentType, attempt },
        {
          id: 'a',
          key: 'k',
          headers: { tenant: 'a' },
          type: 'jobs',
          source: '/conformance',
          contentType: 'text/plain',
          attempt: 4,
        },
      );
      assert.equal(second.extensions?.['anymq-later-version'], 'kept');
      assert.deepEqual(JSON.parse(JSON.stringify(second.failure)), JSON.parse(JSON.stringify(record)));
      await settleAll(receiver, [second]);
      await receiver.close();
      await proveGone(driver);
    },
  },
  {
    name: 'dead letters come in pages, oldest first; requeue and remove answer for each',
    async run(context) {
      const driver = await context.driver();
      await provision(driver);
      const names = Array.from({ length: 25 }, (_, n) => `m-${String(n).padStart(2, '0')}`);
      await sendAll(
        driver,
        names.map((id) => outgoing(id)),
      );
      const { receiver } = await openReceiver(driver);
      const failed = await take(context, receiver, 25);
      for (const one of failed)
        await settleAll(receiver, [one], { kind: 'deadLetter', failure: failure({ attempts: 2 }) });
      const store = await driver.openDeadLetters(address);
      const found = [];
      let cursor: string | undefined;
      do {
        const page = await store.page(cursor, { limit: 10 });
        assert.ok(page.letters.length <= 10);
        found.push(...page.letters);
        ({ cursor } = page);
      } while (cursor !== undefined);
      assert.deepEqual(
        found.map(({ id }) => id),
        failed.map(({ id }) => id),
      );
      assert.ok(found.every((letter) => letter.failure.attempts === 2));
      const moved = await store.requeue(found.slice(0, 5).map(({ ref }) => ref));
      assert.deepEqual(
        moved,
        Array.from({ length: 5 }, () => ({ ok: true })),
      );
      const again = await take(context, receiver, 5);
      assert.ok(again.every(({ attempt, failure: record }) => attempt === 1 && record === undefined));
      await settleAll(receiver, again);
      const removed = await store.remove(found.slice(5).map(({ ref }) => ref));
      assert.ok(removed.length === 20 && removed.every(({ ok }) => ok));
      const [twice] = await store.remove(found.slice(5, 6).map(({ ref }) => ref));
      assert.ok(twice !== undefined, 'no answer for a letter that is gone');
      const { value } = await store.count();
      assert.equal(value ?? 0, 0);
      await store.close();
      await receiver.close();
      await proveGone(driver);
    },
  },
  {
    name: 'on an ordered destination a released message comes again before its followers',
    async run(context) {
      const driver = await context.driver();
      await provision(driver, orderedAddress);
      await sendAll(
        driver,
        ['1', '2', '3'].map((id) => outgoing(id, { key: 'a' })),
        orderedAddress,
      );
      const { receiver } = await openReceiver(driver, {}, orderedAddress);
      const first = await take(context, receiver, 1);
      assert.equal(first[0]?.id, '1');
      await settleAll(receiver, first, { kind: 'release', delayMs: 0 });
      const seen: string[] = [];
      while (seen.length < 3) {
        const next = await take(context, receiver, 1);
        seen.push(next[0]?.id ?? '');
        await settleAll(receiver, next);
      }
      assert.deepEqual(seen, ['1', '2', '3']);
      await receiver.close();
      await proveGone(driver, orderedAddress);
    },
  },
]);
