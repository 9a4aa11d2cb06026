import assert from 'node:assert/strict';
import { storeCasesOf, type StoreCase } from './store-case.ts';
import { ask, claim, stateOf } from './store-context.ts';

export const claimCases: readonly StoreCase[] = storeCasesOf('claims', [
  {
    name: 'of thirty at once, in three processes, one gets a key, again and again',
    async run(context) {
      const stores = await context.stores(3);
      for (let round = 0; round < 5; round++) {
        const asking = Array.from({ length: 30 }, (_, n) => stores[n % 3] ?? assert.fail());
        const answers = await Promise.all(asking.map((store) => ask(store, `key ${round}`, context.long)));
        assert.equal(answers.filter(({ state }) => state === 'claimed').length, 1, 'not exactly one got it');
        assert.equal(answers.filter(({ state }) => state === 'busy').length, 29);
      }
    },
  },
  {
    name: 'who finds a key taken learns how long its lease still lasts',
    async run(context) {
      const store = await context.store();
      await claim(store, 'a', { leaseMs: 20_000 });
      const answer = await ask(store, 'a', context.long);
      assert.ok(answer.state === 'busy');
      assert.ok(answer.retryInMs > 5000 && answer.retryInMs <= 20_000, `${answer.retryInMs} ms of 20,000`);
    },
  },
  {
    name: 'every claim has a token of its own',
    async run(context) {
      const [one, other] = await context.stores(2);
      assert.ok(one !== undefined && other !== undefined);
      const tokens = new Set<string>();
      for (const store of [one, other, one, other]) {
        const own = await claim(store, 'a', context.long);
        tokens.add(own.token);
        await store.release([own]);
      }
      tokens.add((await claim(one, 'b', context.long)).token);
      assert.equal(tokens.size, 5);
    },
  },
  {
    name: 'a key that was given back is free at once, for everybody',
    async run(context) {
      const [one, other] = await context.stores(2);
      assert.ok(one !== undefined && other !== undefined);
      await one.release([await claim(one, 'a', context.long)]);
      await claim(other, 'a', context.long);
    },
  },
  {
    name: 'a token that is not the claim’s gives back, extends and completes nothing',
    async run(context) {
      const store = await context.store();
      const own = await claim(store, 'a', context.long);
      const { token } = await claim(store, 'b', context.long);
      const stranger = { key: 'a', token };
      await store.release([stranger, { key: 'absent', token }]);
      assert.deepEqual(await store.extend([stranger], context.long), [false]);
      assert.deepEqual(await store.complete([stranger, { key: 'absent', token }], context.long), [false, false]);
      assert.equal(await stateOf(store, 'a'), 'busy');
      assert.equal(await stateOf(store, 'absent'), 'free');
      assert.deepEqual(await store.complete([own], context.long), [true]);
    },
  },
]);
