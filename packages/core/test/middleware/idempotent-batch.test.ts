import { expect, test, vi } from 'vitest';
import type { BatchConsumeHandler } from '../../src/consume-types.ts';
import { idempotent, type IdempotentOptions } from '../../src/middleware/idempotent.ts';
import { reject } from '../../src/outcome.ts';
import { fakeContext, fakeDelivery, shown } from './fake-delivery.ts';
import { ScriptedStore } from './scripted-store.ts';
import { deferred, ending, settle, VirtualClock } from './virtual-clock.ts';

function setUp(next: BatchConsumeHandler, options: Pick<IdempotentOptions, 'onDuplicate'> = {}) {
  const clock = new VirtualClock();
  const store = new ScriptedStore(clock);
  const key = ({ id }: { readonly id: string }): string | undefined => (id.startsWith('free') ? undefined : id);
  const handler = idempotent({ store, clock, key, leaseMs: 3000, ...options })(next);
  const handle = async (...ids: readonly string[]): Promise<readonly unknown[]> => {
    const outcomes = await handler(
      ids.map((id) => fakeDelivery(id)),
      fakeContext(),
    );
    return (outcomes ?? []).map(shown);
  };
  return { clock, store, handle };
}
const later = (delayMs: number) => ({ kind: 'retryLater', delayMs, charge: false });
const claimOf = (...ids: readonly string[]) => ids.map((id) => `orders//${id}`);

test('one claim and one completion for all; the handler gets only what is claimed', async () => {
  const seen: string[][] = [];
  const { clock, store, handle } = setUp(async (deliveries) => {
    seen.push(deliveries.map(({ message }) => message.id));
  });
  expect(await handle('a', 'b')).toEqual([undefined, undefined]);
  expect(await handle('b', 'c', 'a')).toEqual([undefined, undefined, undefined]);
  expect(seen).toEqual([['a', 'b'], ['c']]);
  expect(store.calls).toEqual([
    ['claim', claimOf('a', 'b')],
    ['complete', claimOf('a', 'b')],
    ['claim', claimOf('b', 'c', 'a')],
    ['complete', claimOf('c')],
  ]);
  expect(clock.pending).toBe(0);
});

test('nothing claimed: the handler does not run', async () => {
  const next = vi.fn(async () => undefined);
  const { handle } = setUp(next);
  await handle('a');
  await handle('a', 'a');
  expect(next).toHaveBeenCalledTimes(1);
});

test('outcomes come back in the order of the deliveries', async () => {
  const { store, handle } = setUp(async (deliveries) =>
    deliveries.map(({ message: { id } }) => (id === 'c' || id === 'free-2' ? reject(id) : undefined)),
  );
  await handle('done');
  await store.claim(claimOf('busy'), { leaseMs: 500 });
  expect(await handle('busy', 'free-1', 'c', 'done', 'free-2', 'd')).toEqual([
    later(500),
    undefined,
    { kind: 'reject', reason: 'c' },
    undefined,
    { kind: 'reject', reason: 'free-2' },
    undefined,
  ]);
  expect(store.calls).toContainEqual(['complete', claimOf('d')]);
  expect(store.calls).toContainEqual(['release', claimOf('c')]);
});

test('where duplicates are told of, the second of a key in a batch comes again, and is told of then', async () => {
  const onDuplicate = vi.fn<() => void>();
  const { handle } = setUp(async () => undefined, { onDuplicate });
  expect(await handle('a', 'a')).toEqual([undefined, later(1000)]);
  expect(onDuplicate).not.toHaveBeenCalled();
  expect(await handle('a')).toEqual([undefined]);
  expect(onDuplicate).toHaveBeenCalledOnce();
});

test('of a key twice in a batch, the second waits for the first', async () => {
  let outcome: ReturnType<typeof reject> | undefined = reject('no');
  const seen: number[] = [];
  const { store, handle } = setUp(async (deliveries) => {
    seen.push(deliveries.length);
    return deliveries.map(() => outcome);
  });
  expect(await handle('a', 'a')).toEqual([{ kind: 'reject', reason: 'no' }, later(1000)]);
  outcome = undefined;
  expect(await handle('a', 'a')).toEqual([undefined, undefined]);
  expect(seen).toEqual([1, 1]);
  expect(store.calls[0]).toEqual(['claim', claimOf('a', 'a')]);
});

test('a batch that throws gives all its keys back', async () => {
  const next = vi.fn<BatchConsumeHandler>().mockRejectedValueOnce(new Error('own')).mockResolvedValue(undefined);
  const { clock, store, handle } = setUp(next);
  await expect(handle('a', 'b')).rejects.toThrow('own');
  expect(store.calls.at(-1)).toEqual(['release', claimOf('a', 'b')]);
  expect(await handle('a')).toEqual([undefined]);
  expect(clock.pending).toBe(0);
});

test('one that was taken over is put back, the others count', async () => {
  const running = deferred<undefined>();
  const signals: AbortSignal[] = [];
  const { clock, store, handle } = setUp((deliveries) => {
    signals.push(...deliveries.map(({ signal }) => signal));
    return running.promise;
  });
  const done = ending(handle('a', 'b'));
  await settle();
  vi.spyOn(store, 'extend').mockResolvedValueOnce([false, true]);
  await clock.advance(1000);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  vi.spyOn(store, 'complete').mockResolvedValueOnce([false, true]);
  running.resolve(undefined);
  expect(await done).toEqual({ value: [later(1000), undefined] });
  expect(clock.pending).toBe(0);
});

test('a claim that fails puts all of them back', async () => {
  const next = vi.fn(async () => undefined);
  const { store, handle } = setUp(next);
  store.before = () => Promise.reject(new Error('store'));
  expect(await handle('a', 'b')).toEqual([later(1000), later(1000)]);
  expect(next).not.toHaveBeenCalled();
});

test('outcomes that are fewer than the deliveries are refused, and the keys given back', async () => {
  const { store, handle } = setUp(async () => [undefined]);
  await expect(handle('a', 'b')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  expect(store.steps).toEqual(['claim', 'release']);
});

test('one that is busy elsewhere waits for that lease, and so does its twin in the batch', async () => {
  const next = vi.fn(async () => undefined);
  const { store, handle } = setUp(next);
  await store.claim(claimOf('a'), { leaseMs: 500 });
  expect(await handle('a', 'b', 'a')).toEqual([later(500), undefined, later(500)]);
});

test('when no member has a key the store is not asked', async () => {
  const next = vi.fn(async () => undefined);
  const { store, handle } = setUp(next);
  expect(await handle('free-1', 'free-2')).toEqual([]);
  expect(next).toHaveBeenCalledTimes(1);
  expect(store.calls).toEqual([]);
});

test('while duplicates are told the claims of the others are renewed', async () => {
  const told = deferred();
  const nothing: BatchConsumeHandler = async () => undefined;
  const clock = new VirtualClock();
  const store = new ScriptedStore(clock);
  const handler = idempotent({ store, clock, leaseMs: 3000, onDuplicate: () => told.promise })(nothing);
  const handle = (...ids: readonly string[]) =>
    handler(
      ids.map((id) => fakeDelivery(id)),
      fakeContext(),
    );
  await handle('a');
  const both = handle('a', 'b');
  await clock.advance(10_000);
  expect(await store.claim(claimOf('b'), { leaseMs: 3000 })).toMatchObject([{ state: 'busy' }]);
  told.resolve();
  expect(await both).toEqual([undefined, undefined]);
});
