import assert from 'node:assert/strict';
import type { Claim, ClaimResult } from '@anymq/core';
import { storeCasesOf, type StoreCase } from './store-case.ts';
import { claim, stateOf } from './store-context.ts';

export const batchCases: readonly StoreCase[] = storeCasesOf('batches', [
  {
    name: 'every key has its own answer, in the order of the call',
    async run(context) {
      const store = await context.store();
      const own = await claim(store, 'm', context.long);
      const done = await claim(store, 'b', context.long);
      await store.complete([{ ...done, result: Uint8Array.of(7) }], context.long);
      const answers = await store.claim(['z', 'm', 'a', 'b', 'c'], context.long);
      assert.deepEqual(
        answers.map(({ state }) => state),
        ['claimed', 'busy', 'claimed', 'done', 'claimed'],
      );
      const [z, , a] = answers as readonly (ClaimResult & { readonly token: string })[];
      assert.ok(z !== undefined && a !== undefined);
      const claims = [{ key: 'z', token: z.token }, { key: 'm', token: 'x' }, { key: 'b', token: 'x' }, own, done];
      assert.deepEqual(await store.extend(claims, context.long), [true, false, false, true, false]);
      assert.deepEqual(await store.complete([{ key: 'q', token: 'x' }, own, done], context.long), [false, true, true]);
      await store.release([
        { key: 'z', token: z.token },
        { key: 'a', token: a.token },
      ]);
      for (const key of ['z', 'a']) assert.equal(await stateOf(store, key), 'free');
      assert.equal(await stateOf(store, 'c'), 'busy');
    },
  },
  {
    name: 'of one key twice in a call, the second is busy',
    async run(context) {
      const store = await context.store();
      const answers = await store.claim(['a', 'b', 'a'], context.long);
      assert.deepEqual(
        answers.map(({ state }) => state),
        ['claimed', 'claimed', 'busy'],
      );
    },
  },
  {
    name: 'an empty call is answered with nothing',
    async run(context) {
      const store = await context.store();
      assert.deepEqual(await store.claim([], context.long), []);
      assert.deepEqual(await store.extend([], context.long), []);
      assert.deepEqual(await store.complete([], context.long), []);
      await store.release([]);
    },
  },
  {
    name: 'a thousand keys in one call are claimed, extended, completed, each with its own result',
    async run(context) {
      const store = await context.store();
      const keys = Array.from({ length: 1000 }, (_, n) => `key ${n}`);
      const claims = (await store.claim(keys, context.long)).map((answer, n): Claim => {
        assert.ok(answer.state === 'claimed');
        return { key: `key ${n}`, token: answer.token };
      });
      assert.ok((await store.extend(claims, context.long)).every(Boolean));
      const results = claims.map((own, n) => ({ ...own, result: Uint8Array.of(n % 256, n >> 8) }));
      const completed = await store.complete(results, context.long);
      assert.equal(completed.filter(Boolean).length, 1000);
      const answers = await store.claim(keys, context.long);
      const right = answers.filter(
        (answer, n) => answer.state === 'done' && (answer.result?.[0] ?? 0) + (answer.result?.[1] ?? 0) * 256 === n,
      );
      assert.equal(right.length, 1000, 'not each has its own result');
    },
  },
  {
    name: 'many calls at once whose keys overlap in every order all end, and give each key to one',
    async run(context) {
      const stores = await context.stores(3);
      const keys = Array.from({ length: 40 }, (_, n) => `key ${n}`);
      const owned = new Map<string, number>();
      const work = async (n: number): Promise<void> => {
        const store = stores[n % 3] ?? assert.fail();
        const order = n % 2 === 0 ? keys : keys.toReversed();
        const mine = [...order.slice(n), ...order.slice(0, n)];
        const answers = await store.claim(mine, context.long);
        const claims = mine.flatMap((key, at): Claim[] => {
          const answer = answers[at];
          return answer?.state === 'claimed' ? [{ key, token: answer.token }] : [];
        });
        for (const { key } of claims) owned.set(key, (owned.get(key) ?? 0) + 1);
        await Promise.all([store.extend(claims.toReversed(), context.long), store.extend(claims, context.long)]);
        assert.ok((await store.complete(claims.toReversed(), context.long)).every(Boolean));
      };
      await Promise.all(Array.from({ length: 24 }, (_, n) => work(n)));
      assert.deepEqual(
        [...owned.values()],
        Array.from({ length: 40 }, () => 1),
      );
    },
  },
]);
