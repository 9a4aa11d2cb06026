import assert from 'node:assert/strict';
import { storeCasesOf, type StoreCase } from './store-case.ts';
import { ask, claim, stateOf } from './store-context.ts';

export const completionCases: readonly StoreCase[] = storeCasesOf('completion', [
  {
    name: 'a completed key is done for everybody, also when the lease of its claim has ended',
    async run(context) {
      const [one = assert.fail(), other = assert.fail()] = await context.stores(2);
      const own = await claim(one, 'a', context.short);
      assert.deepEqual(await one.complete([own], context.long), [true]);
      assert.equal(await stateOf(other, 'a'), 'done');
      await context.shortEnds();
      assert.equal(await stateOf(other, 'a'), 'done', 'it was forgotten with its lease');
      assert.equal(await stateOf(one, 'a'), 'done');
    },
  },
  {
    name: 'a claim alone never makes a key done',
    async run(context) {
      const store = await context.store();
      await claim(store, 'a', context.short);
      assert.equal(await stateOf(store, 'a'), 'busy');
      await context.shortEnds();
      assert.equal(await stateOf(store, 'a'), 'free');
    },
  },
  {
    name: 'nothing undoes what is done: no release, no extension',
    async run(context) {
      const store = await context.store();
      const own = await claim(store, 'a', context.short);
      await store.complete([own], context.long);
      await store.release([own]);
      assert.deepEqual(await store.extend([own], context.short), [false]);
      await context.shortEnds();
      assert.equal(await stateOf(store, 'a'), 'done');
    },
  },
  {
    name: 'completing again answers as before, and changes nothing',
    async run(context) {
      const store = await context.store();
      const own = await claim(store, 'a', context.long);
      await store.complete([{ ...own, result: Uint8Array.of(1) }], context.long);
      assert.deepEqual(await store.complete([{ ...own, result: Uint8Array.of(2) }], context.short), [true]);
      await context.shortEnds();
      const answer = await ask(store, 'a', context.long);
      assert.ok(answer.state === 'done', 'the repetition shortened its retention');
      assert.deepEqual([...(answer.result ?? [])], [1]);
    },
  },
  {
    name: 'a result comes back as it was given: none, empty, every byte, 64 KiB',
    async run(context) {
      const [one = assert.fail(), other = assert.fail()] = await context.stores(2);
      const every = Uint8Array.from({ length: 256 }, (_, n) => n);
      const results = [undefined, new Uint8Array(0), every, new Uint8Array(65_536).fill(233)];
      for (const [n, result] of results.entries()) {
        const own = await claim(one, `key ${n}`, context.long);
        await one.complete([{ ...own, ...(result === undefined ? {} : { result }) }], context.long);
        const answer = await ask(other, `key ${n}`, context.long);
        assert.ok(answer.state === 'done');
        assert.equal(answer.result?.byteLength, result?.byteLength, `the result number ${n} has another length`);
        assert.ok(result === undefined || Buffer.from(result).equals(answer.result ?? new Uint8Array(0)));
      }
    },
  },
  {
    name: 'when the retention has ended the key is free, and its old owner cannot complete it again',
    async run(context) {
      const store = await context.store();
      const own = await claim(store, 'a', context.long);
      await store.complete([own], context.short);
      await context.shortEnds();
      const next = await claim(store, 'a', context.long);
      assert.notEqual(next.token, own.token);
      assert.deepEqual(await store.complete([own], context.long), [false]);
      assert.equal(await stateOf(store, 'a'), 'busy');
    },
  },
]);
