import assert from 'node:assert/strict';
import { rejectsWith } from '../assertions.ts';
import { eventually } from '../eventually.ts';
import { storeCasesOf, type StoreCase } from './store-case.ts';
import { claim, stateOf } from './store-context.ts';

export const lifecycleCases: readonly StoreCase[] = storeCasesOf('lifecycle', [
  {
    name: 'after close everything rejects with CLOSED; closing twice is safe',
    async run(context) {
      const store = await context.store();
      const own = await claim(store, 'a', context.long);
      await Promise.all([store.close(), store.close()]);
      await store.close();
      await rejectsWith(store.claim(['b'], context.long), 'CLOSED');
      await rejectsWith(store.extend([own], context.long), 'CLOSED');
      await rejectsWith(store.complete([own], context.long), 'CLOSED');
      await rejectsWith(store.release([own]), 'CLOSED');
    },
  },
]);

export const outageCases: readonly StoreCase[] = storeCasesOf('outages', [
  {
    name: 'what was claimed and completed is there after a restart of the server',
    needs: 'restart',
    alone: true,
    async run(context) {
      const store = await context.store();
      const own = await claim(store, 'claimed', context.long);
      const done = await claim(store, 'done', context.long);
      assert.deepEqual(await store.complete([{ ...done, result: Uint8Array.of(1) }], context.long), [true]);
      await context.harness.restart?.();
      const state = await eventually(
        () => stateOf(store, 'done'),
        10_000,
        () => 'the store did not come back',
      );
      assert.equal(state, 'done');
      assert.equal(await stateOf(store, 'claimed'), 'busy');
      assert.deepEqual(await store.complete([own], context.long), [true]);
    },
  },
  {
    name: 'when its connections are cut a call rejects or is answered truly, and the store goes on by itself',
    needs: 'cutConnections',
    alone: true,
    async run(context) {
      const store = await context.store();
      const own = await claim(store, 'a', context.long);
      // Listened to before the cut: a call may reject while it is still under way.
      const calls = Promise.allSettled(Array.from({ length: 20 }, (_, n) => store.claim([`key ${n}`], context.long)));
      await context.harness.cutConnections?.();
      const answers = await calls;
      const completing = (): Promise<readonly boolean[]> => store.complete([own], context.long);
      const completed = await eventually(completing, 10_000, () => 'the store did not come back');
      assert.deepEqual(completed, [true]);
      for (const [n, answer] of answers.entries()) {
        if (answer.status !== 'fulfilled') continue;
        assert.equal(answer.value[0]?.state, 'claimed');
        assert.equal(await stateOf(store, `key ${n}`), 'busy', 'it was confirmed and is not there');
      }
    },
  },
]);
