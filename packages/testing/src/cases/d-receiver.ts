import assert from 'node:assert/strict';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { bounded } from '../eventually.ts';
import {
  failure,
  openReceiver,
  outgoing,
  provision,
  proveGone,
  sendAll,
  settleAll,
  take,
  takeAny,
} from '../raw-driver.ts';

const ids = (received: readonly { readonly id: string }[]): readonly string[] =>
  received.map(({ id }) => id).toSorted();

export const receiving: readonly ConformanceCase[] = casesOf('D', [
  {
    name: 'receive never returns more than maxMessages, and a sole large message may pass maxBytes',
    async run(context) {
      const driver = await context.driver();
      await provision(driver);
      await sendAll(driver, [
        outgoing('a'),
        outgoing('b'),
        outgoing('c'),
        outgoing('d'),
        outgoing('e', { body: new Uint8Array(50_000) }),
      ]);
      const { receiver } = await openReceiver(driver);
      const signal = AbortSignal.timeout(context.within());
      const seen = [];
      while (seen.length < 5) {
        const received = await receiver.receive({ signal, maxMessages: 2, maxBytes: 1000 });
        assert.ok(received.length <= 2, `${received.length} messages for maxMessages 2`);
        assert.ok(!signal.aborted, 'not all were received in time');
        seen.push(...received);
      }
      assert.deepEqual(ids(seen), ['a', 'b', 'c', 'd', 'e']);
      await settleAll(receiver, seen);
      await receiver.close();
      await proveGone(driver);
    },
  },
  {
    name: 'an aborted receive resolves at once, and nothing is lost by it',
    async run(context) {
      const driver = await context.driver();
      await provision(driver);
      const { receiver } = await openReceiver(driver);
      const controller = context.abortable();
      const receiving = receiver.receive({ signal: controller.signal, maxMessages: 10, maxBytes: 1_000_000 });
      setTimeout(() => controller.abort(), 30);
      const began = Date.now();
      const early = await bounded('An aborted receive', receiving, context.within(5000));
      assert.ok(Date.now() - began < context.within(3000), 'it waited on');
      assert.equal(early.length, 0);
      await sendAll(driver, [outgoing('a')]);
      await settleAll(receiver, await take(context, receiver, 1));
      await receiver.close();
      await proveGone(driver);
    },
  },
  {
    name: 'settling is idempotent: a token answers as it did before, and has no second effect',
    async run(context) {
      const driver = await context.driver();
      await provision(driver);
      await sendAll(driver, [outgoing('a'), outgoing('b')]);
      const { receiver } = await openReceiver(driver);
      const received = await take(context, receiver, 2);
      const dead = received.filter(({ id }) => id === 'b');
      const done = received.filter(({ id }) => id === 'a');
      for (let time = 0; time < 3; time++) {
        await settleAll(receiver, done);
        await settleAll(receiver, dead, { kind: 'deadLetter', failure: failure() });
      }
      const store = await driver.openDeadLetters({ kind: 'queue', name: 'jobs', ordering: 'none', partitions: 8 });
      const { letters } = await store.page(undefined, { limit: 100 });
      assert.deepEqual(ids(letters), ['b']);
      await store.remove(letters.map(({ ref }) => ref));
      await store.close();
      await receiver.close();
      await proveGone(driver);
    },
  },
  {
    name: 'settleBatch answers for each item, in order, and settles every one',
    async run(context) {
      const driver = await context.driver();
      await provision(driver);
      await sendAll(
        driver,
        ['a', 'b', 'c', 'd'].map((id) => outgoing(id)),
      );
      const { receiver } = await openReceiver(driver);
      const received = await take(context, receiver, 4);
      const outcomes = [
        { kind: 'acknowledge' },
        { kind: 'retry', dueAt: Date.now(), attempt: 2, failure: failure() },
        { kind: 'release', delayMs: 0 },
        { kind: 'acknowledge' },
      ] as const;
      const results = await receiver.settleBatch(
        received.map(({ token }, index) => ({ token, outcome: outcomes[index] ?? assert.fail() })),
      );
      assert.deepEqual(results, [{ ok: true }, { ok: true }, { ok: true }, { ok: true }]);
      const again = await take(context, receiver, 2);
      assert.deepEqual(ids(again), ids(received.slice(1, 3)));
      for (const { id, attempt } of again) assert.equal(attempt, id === received[1]?.id ? 2 : 1);
      await settleAll(receiver, again);
      await receiver.close();
      await proveGone(driver);
    },
  },
  {
    name: 'a lease that nobody extends ends for good, or not at all: its old token is lost, or still settles',
    async run(context) {
      const [first, second] = [await context.driver(), await context.driver()];
      await provision(first);
      await sendAll(first, [outgoing('a')]);
      const one = await openReceiver(first, { leaseMs: 1000 });
      // Before there is another one, to which a log would give the message's partition.
      const held = await take(context, one.receiver, 1);
      const two = await openReceiver(second, { leaseMs: 1000 });
      // Where the lease is the connection itself (Kafka, RabbitMQ), a living receiver keeps what it holds.
      const taken = await takeAny(two.receiver, Math.max(2000, context.within(4000)));
      const [result] = await one.receiver.settleBatch(
        held.map(({ token }) => ({ token, outcome: { kind: 'acknowledge' } })),
      );
      if (taken.length === 0) assert.equal(result?.ok, true);
      else assert.ok(result?.ok === false && result.reason === 'lost', 'a lost token was settled');
      await settleAll(two.receiver, taken);
      await one.receiver.close();
      await two.receiver.close();
      await proveGone(second);
    },
  },
  {
    name: 'an extended lease holds: nobody else gets the message',
    async run(context) {
      const [first, second] = [await context.driver(), await context.driver()];
      await provision(first);
      await sendAll(first, [outgoing('a')]);
      const one = await openReceiver(first, { leaseMs: 2500 });
      const held = await take(context, one.receiver, 1);
      const two = await openReceiver(second, { leaseMs: 2500 });
      const waiting = two.receiver.receive({ signal: AbortSignal.timeout(3300), maxMessages: 1, maxBytes: 1_000_000 });
      for (let time = 0; time < 14; time++) {
        await context.pass(250);
        await one.receiver.extendLease(held.map(({ token }) => token));
      }
      await settleAll(one.receiver, held);
      assert.deepEqual(ids(await waiting), []);
      assert.equal(one.lost.length, 0, 'an extended lease was lost');
      await one.receiver.close();
      await two.receiver.close();
      await proveGone(first);
    },
  },
  {
    name: 'close gives back what was not settled, at once, and twice is safe',
    async run(context) {
      const [first, second] = [await context.driver(), await context.driver()];
      await provision(first);
      await sendAll(first, [outgoing('a'), outgoing('b')]);
      const one = await openReceiver(first);
      const held = await take(context, one.receiver, 2);
      await settleAll(one.receiver, held.slice(0, 1));
      await one.receiver.close();
      await one.receiver.close();
      const two = await openReceiver(second);
      const rest = await take(context, two.receiver, 1);
      assert.deepEqual(ids(rest), ids(held.slice(1)));
      assert.equal(rest[0]?.attempt, 1);
      await settleAll(two.receiver, rest);
      await two.receiver.close();
      await proveGone(second);
    },
  },
  {
    name: 'two receivers never hold one message at once',
    async run(context) {
      const [first, second] = [await context.driver(), await context.driver()];
      await provision(first);
      await sendAll(
        first,
        Array.from({ length: 60 }, (_, n) => outgoing(`m-${n}`)),
      );
      const receivers = [(await openReceiver(first)).receiver, (await openReceiver(second)).receiver];
      const seen: string[] = [];
      const signal = AbortSignal.timeout(context.within());
      while (seen.length < 60) {
        assert.ok(!signal.aborted, `${seen.length} of 60 in time`);
        for (const receiver of receivers) {
          if (seen.length >= 60) break;
          const batch = await receiver.receive({
            signal: AbortSignal.any([signal, AbortSignal.timeout(200)]),
            maxMessages: 7,
            maxBytes: 1_000_000,
          });
          seen.push(...batch.map(({ id }) => id));
          await settleAll(receiver, batch);
        }
      }
      assert.equal(new Set(seen).size, 60);
      assert.equal(seen.length, 60, 'one was handed out twice');
      for (const receiver of receivers) await receiver.close();
      await proveGone(first);
    },
  },
]);
