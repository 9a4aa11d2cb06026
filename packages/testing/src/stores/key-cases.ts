import assert from 'node:assert/strict';
import { storeCasesOf, type StoreCase } from './store-case.ts';
import { claim, stateOf } from './store-context.ts';

const strange = [
  'orders//1',
  'orders/1/',
  'Orders/1',
  'orders/1',
  'orders/1 ',
  ' orders/1',
  'a:b',
  'a{b}c',
  "a'b",
  'a"b',
  'a\\b',
  'a\nb',
  'a\u0000b',
  'a%b',
  'é',
  'e\u0301',
  '🙂',
  '$1',
  '-1',
  '__proto__',
  `${'x'.repeat(4000)}1`,
  `${'x'.repeat(4000)}2`,
];

export const keyCases: readonly StoreCase[] = storeCasesOf('keys', [
  {
    name: 'keys that are nearly the same, or strange, or long, are each their own',
    async run(context) {
      const [one = assert.fail(), other = assert.fail()] = await context.stores(2);
      const answers = await one.claim(strange, context.long);
      assert.deepEqual(
        strange.filter((_, n) => answers[n]?.state !== 'claimed'),
        [],
      );
      const claims = strange.map((key, n) => {
        const answer = answers[n];
        return { key, token: answer?.state === 'claimed' ? answer.token : assert.fail() };
      });
      assert.ok((await other.complete(claims, context.long)).every(Boolean));
      for (const key of strange) assert.equal(await stateOf(one, key), 'done', JSON.stringify(key.slice(0, 20)));
    },
  },
  {
    name: 'two namespaces share no key',
    async run(context) {
      const [one, other] = [await context.store(), await context.store('-other')];
      const own = await claim(one, 'a', context.long);
      const second = await claim(other, 'a', context.long);
      assert.deepEqual(await other.complete([second], context.long), [true]);
      assert.equal(await stateOf(one, 'a'), 'busy');
      assert.deepEqual(await one.complete([own], context.long), [true]);
    },
  },
]);
