import { expect, test, vi } from 'vitest';
import { idempotent, type IdempotentOptions } from '../../src/middleware/idempotent.ts';
import { fakeDelivery, shown } from './fake-delivery.ts';
import { ScriptedStore } from './scripted-store.ts';
import { VirtualClock } from './virtual-clock.ts';

function setUp(options: Partial<IdempotentOptions> = {}) {
  const clock = new VirtualClock();
  const store = new ScriptedStore(clock);
  const errors: unknown[] = [];
  const handler = vi.fn(async () => undefined);
  const own = { store, clock, leaseMs: 3000, onError: (error: unknown) => errors.push(error), ...options };
  const handle = idempotent(own)(handler);
  const handleAll = async (...ids: readonly string[]): Promise<readonly unknown[]> => {
    const outcomes = await Promise.all(ids.map((id) => handle('body', fakeDelivery(id))));
    return outcomes.map(shown);
  };
  return { clock, store, errors, handler, handleAll };
}
const keys = ['orders//a', 'orders//b', 'orders//c'];
const later = { kind: 'retryLater', delayMs: 1000, charge: false };

test('single handlers of one turn share a claim and a completion', async () => {
  const { clock, store, handleAll } = setUp();
  expect(await handleAll('a', 'b', 'c')).toEqual([undefined, undefined, undefined]);
  expect(store.calls).toEqual([
    ['claim', keys],
    ['complete', keys],
  ]);
  expect(clock.pending).toBe(0);
});

test('those that fail in one turn share a release', async () => {
  const { store, handler, handleAll } = setUp();
  handler.mockRejectedValue(new Error('own'));
  await expect(handleAll('a', 'b', 'c')).rejects.toThrow('own');
  expect(store.calls.at(-1)).toEqual(['release', keys]);
});

test('a call that fails puts all of them back, and is told once', async () => {
  const { store, errors, handler, handleAll } = setUp();
  store.before = () => Promise.reject(new Error('store'));
  expect(await handleAll('a', 'b', 'c')).toEqual([later, later, later]);
  expect(errors).toEqual([new Error('store')]);
  expect(handler).not.toHaveBeenCalled();
});

test('keys that are left unanswered start nothing, and what was claimed beside them is given back', async () => {
  const { store, errors, handler, handleAll } = setUp();
  const claim = store.claim.bind(store);
  vi.spyOn(store, 'claim').mockImplementationOnce(async (all, lease) => (await claim(all, lease)).slice(0, 2));
  expect(await handleAll('a', 'b', 'c')).toEqual([later, later, later]);
  expect(errors).toEqual([expect.objectContaining({ code: 'UNKNOWN' })]);
  expect(handler).not.toHaveBeenCalled();
  expect(store.calls.at(-1)).toEqual(['release', keys.slice(0, 2)]);
});
