import { describe, expect, test, vi } from 'vitest';
import type { BatchConsumeHandler, ConsumeHandler, Delivery } from '../../src/consume-types.ts';
import { AnymqError } from '../../src/errors.ts';
import { isIdempotent } from '../../src/middleware/idempotent-mark.ts';
import { idempotent, type IdempotentOptions } from '../../src/middleware/idempotent.ts';
import { timeout } from '../../src/middleware/timeout.ts';
import { reject, release, retryLater } from '../../src/outcome.ts';
import type { Middleware } from '../../src/send-types.ts';
import { fakeDelivery, shown } from './fake-delivery.ts';
import { ScriptedStore } from './scripted-store.ts';
import { deferred, ending, settle, VirtualClock } from './virtual-clock.ts';

function setUp(options: Partial<IdempotentOptions> = {}) {
  const clock = new VirtualClock();
  const store = new ScriptedStore(clock);
  const errors: unknown[] = [];
  const middleware = idempotent({ store, clock, leaseMs: 3000, onError: (error) => errors.push(error), ...options });
  const wrap = (next: ConsumeHandler): ((delivery?: Delivery) => Promise<unknown>) => {
    const handler = middleware(next);
    return (delivery = fakeDelivery()) => handler('body', delivery).then(shown);
  };
  return { clock, store, errors, middleware, wrap };
}
const later = (delayMs: number) => ({ kind: 'retryLater', delayMs, charge: false });
const lost = expect.objectContaining({ code: 'LEASE_LOST' });

test('it serves both kinds of consumer as types too, and can be told by its mark', () => {
  const { middleware } = setUp();
  const [single, batch]: [Middleware<ConsumeHandler>, Middleware<BatchConsumeHandler>] = [middleware, middleware];
  expect([single, batch].map(isIdempotent)).toEqual([true, true]);
  expect([timeout({ afterMs: 1 }), undefined, {}].map(isIdempotent)).toEqual([false, false, false]);
  expect(Reflect.get(middleware, Symbol.for('anymq.idempotent'))).toBe(true);
});

describe('a key', () => {
  test('is claimed, run, completed, and never run again', async () => {
    const { clock, store, wrap } = setUp();
    const handler = vi.fn(async () => undefined);
    const handle = wrap(handler);
    expect(await handle()).toBeUndefined();
    expect(store.calls).toEqual([
      ['claim', ['orders//m-1']],
      ['complete', ['orders//m-1']],
    ]);
    expect(await handle()).toBeUndefined();
    expect(handler).toHaveBeenCalledTimes(1);
    expect(store.steps).toEqual(['claim', 'complete', 'claim']);
    expect(clock.pending).toBe(0);
  });

  test('is claimed and completed in one call with those of the same turn, and each has its own answer', async () => {
    const { store, wrap } = setUp();
    const ids = ['m-1', 'm-2', 'm-3'];
    const handle = wrap(async (_, { message }) => (message.id === 'm-2' ? reject('no') : undefined));
    await Promise.all(ids.map((id) => handle(fakeDelivery(id))));
    expect(store.calls).toEqual([
      ['claim', ids.map((id) => `orders//${id}`)],
      ['release', ['orders//m-2']],
      ['complete', ['orders//m-1', 'orders//m-3']],
    ]);
  });

  test('is acknowledged only after its completion was confirmed', async () => {
    const { store, wrap } = setUp();
    const confirmed = deferred();
    store.before = (step) => (step === 'complete' ? confirmed.promise : undefined);
    let acknowledged = false;
    const done = wrap(async () => undefined)().then(() => (acknowledged = true));
    await settle();
    expect(acknowledged).toBe(false);
    confirmed.resolve();
    await done;
  });

  test('in work comes again when the lease can have ended, uncharged', async () => {
    const { clock, wrap } = setUp();
    const running = deferred();
    const handle = wrap(() => running.promise);
    const first = handle();
    await clock.advance(500);
    expect(await handle()).toEqual(later(2500));
    running.resolve();
    await first;
    expect(await handle()).toBeUndefined();
  });

  test('two at once run once', async () => {
    const { wrap } = setUp();
    const handler = vi.fn(async () => undefined);
    const handle = wrap(handler);
    expect((await Promise.all([handle(), handle(), handle()])).filter((outcome) => outcome === undefined)).toHaveLength(
      1,
    );
    expect(handler).toHaveBeenCalledTimes(1);
  });

  test('is scoped by destination and group', async () => {
    const { wrap } = setUp({ key: ({ headers }) => headers['order'] });
    const handler = vi.fn(async () => undefined);
    const handle = wrap(handler);
    const message = { ...fakeDelivery().message, headers: { order: 'o/1' } };
    await handle(fakeDelivery('a', { message }));
    await handle(fakeDelivery('b', { message, group: 'website' }));
    await handle(fakeDelivery('c', { message, group: 'app' }));
    await handle(fakeDelivery('d', { message, destination: 'orders-2' }));
    expect(handler).toHaveBeenCalledTimes(4);
    await handle(fakeDelivery('e', { message, group: 'app' }));
    expect(handler).toHaveBeenCalledTimes(4);
  });

  test('that is undefined asks for no protection', async () => {
    const { store, wrap } = setUp({ key: () => undefined });
    const handler = vi.fn(async () => undefined);
    const delivery = fakeDelivery();
    await wrap(handler)(delivery);
    await wrap(handler)(delivery);
    expect(handler).toHaveBeenCalledTimes(2);
    expect(handler).toHaveBeenLastCalledWith('body', delivery);
    expect(store.calls).toEqual([]);
  });

  test.each(['', 5, null])('that is %j fails: all such messages would be one', async (key) => {
    const { wrap } = setUp({ key: () => key as string });
    await expect(wrap(async () => undefined)()).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
  });
});

describe('a failed attempt gives the key back', () => {
  test.each([
    ['reject', reject('no'), { kind: 'reject', reason: 'no' }],
    ['retryLater', retryLater(5), { kind: 'retryLater', delayMs: 5, charge: true }],
    ['release', release(), { kind: 'release', delayMs: 1000 }],
  ])('%s', async (_, outcome, expected) => {
    const { clock, store, wrap } = setUp();
    const handler = vi.fn<ConsumeHandler>().mockResolvedValueOnce(outcome).mockResolvedValueOnce(undefined);
    const handle = wrap(handler);
    expect(await handle()).toEqual(expected);
    expect(store.steps).toEqual(['claim', 'release']);
    expect(await handle()).toBeUndefined();
    expect(handler).toHaveBeenCalledTimes(2);
    expect(clock.pending).toBe(0);
  });

  test("an error, which stays the handler's own", async () => {
    const { clock, store, wrap } = setUp();
    const handler = vi.fn<ConsumeHandler>().mockRejectedValueOnce(new Error('own')).mockResolvedValueOnce(undefined);
    const handle = wrap(handler);
    await expect(handle()).rejects.toThrow('own');
    expect(store.steps).toEqual(['claim', 'release']);
    expect(await handle()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test('also when the release fails: the lease ends by itself', async () => {
    const { clock, store, errors, wrap } = setUp();
    store.before = (step) => {
      if (step === 'release') throw new Error('store');
    };
    const handler = vi.fn<ConsumeHandler>().mockRejectedValueOnce(new Error('own')).mockResolvedValueOnce(undefined);
    const handle = wrap(handler);
    await expect(handle()).rejects.toThrow('own');
    expect(errors).toHaveLength(1);
    expect(await handle()).toEqual(later(3000));
    await clock.advance(3000);
    expect(await handle()).toBeUndefined();
  });
});

describe('while the handler runs', () => {
  test('the lease is renewed every third of it, with one timer and one call for all', async () => {
    const { clock, store, wrap } = setUp();
    const running = deferred();
    const handle = wrap(() => running.promise);
    const both = [handle(fakeDelivery('a')), handle(fakeDelivery('b'))];
    await settle();
    expect(clock.pending).toBe(1);
    await clock.advance(10_000);
    expect(store.calls.filter(([step]) => step === 'extend')).toHaveLength(10);
    expect(store.calls.at(-1)).toEqual(['extend', ['orders//a', 'orders//b']]);
    expect(await handle(fakeDelivery('a'))).toMatchObject({ kind: 'retryLater' });
    running.resolve();
    expect(await Promise.all(both)).toEqual([undefined, undefined]);
    expect(clock.pending).toBe(0);
  });

  test('no signal is made that nobody reads', async () => {
    const { wrap } = setUp();
    const delivery = fakeDelivery();
    await wrap(async () => undefined)(delivery);
    expect(delivery.signalsMade).toBe(0);
  });

  test('a claim that was taken over aborts the signal, and the success does not count', async () => {
    const { clock, store, wrap } = setUp();
    const running = deferred();
    let signal: AbortSignal | undefined;
    const handle = wrap((_, delivery) => {
      signal = delivery.signal;
      return running.promise;
    });
    const first = ending(handle());
    await settle();
    const down = vi.spyOn(store, 'extend').mockRejectedValue(new Error('store'));
    await clock.advance(2999);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(signal?.reason).toEqual(lost);
    expect(clock.pending).toBe(0);
    down.mockRestore();
    const [taken] = await store.claim(['orders//m-1'], { leaseMs: 3000 });
    expect(taken?.state).toBe('claimed');
    running.resolve();
    expect(await first).toEqual({ error: lost });
  });

  test('a claim that the store no longer knows aborts the signal at once', async () => {
    const { clock, store, wrap } = setUp();
    const seen = deferred<unknown>();
    const first = ending(
      wrap((_, { signal }) => {
        signal.addEventListener('abort', () => seen.resolve(signal.reason));
        return seen.promise.then((reason) => Promise.reject(reason as Error));
      })(),
    );
    await settle();
    vi.spyOn(store, 'extend').mockResolvedValue([false]);
    await clock.advance(1000);
    expect(await seen.promise).toEqual(lost);
    expect(await first).toEqual({ error: lost });
    expect(clock.pending).toBe(0);
  });

  test('a store that hangs stops neither the loss nor the renewal of others', async () => {
    const { clock, store, wrap } = setUp();
    const running = deferred();
    const signals: AbortSignal[] = [];
    const handle = wrap((_, { signal }) => {
      signals.push(signal);
      return running.promise;
    });
    const first = ending(handle(fakeDelivery('a')));
    await settle();
    let hung = false;
    store.before = (step) => {
      if (step !== 'extend' || hung) return undefined;
      hung = true;
      return new Promise(() => undefined);
    };
    await clock.advance(1500);
    const second = ending(handle(fakeDelivery('b')));
    await clock.advance(6000);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    running.resolve();
    // Nobody took the first one's key meanwhile, so that its completion stands.
    expect(await Promise.all([first, second])).toEqual([{ value: undefined }, { value: undefined }]);
    expect(clock.pending).toBe(0);
  });

  test('a claim that is answered only after its lease is given back, and starts nothing', async () => {
    const { clock, store, errors, wrap } = setUp();
    const answered = deferred();
    store.before = (step) => (step === 'claim' ? answered.promise : undefined);
    const handler = vi.fn(async () => undefined);
    const handle = wrap(handler);
    const first = handle();
    await clock.advance(3000);
    answered.resolve();
    expect(await first).toEqual(later(1000));
    expect(handler).not.toHaveBeenCalled();
    expect(errors).toEqual([expect.objectContaining({ code: 'TIMEOUT' })]);
    store.before = () => undefined;
    await handle();
    expect(handler).toHaveBeenCalledTimes(1);
    expect(clock.pending).toBe(0);
  });
});

describe('a result', () => {
  test('is kept with the key and given to every duplicate, before it is acknowledged', async () => {
    const bytes = Uint8Array.of(1, 2);
    const told: unknown[] = [];
    const onDuplicate = vi.fn(async ({ id }: { readonly id: string }, result?: Uint8Array) => {
      told.push([id, result]);
    });
    const { wrap } = setUp({ result: ({ id }) => (id === 'm-1' ? bytes : undefined), onDuplicate });
    const handle = wrap(async () => undefined);
    for (const id of ['m-1', 'm-2', 'm-1', 'm-2']) expect(await handle(fakeDelivery(id))).toBeUndefined();
    expect(told).toEqual([
      ['m-1', bytes],
      ['m-2', undefined],
    ]);
  });

  test('kept for ever is kept for as long as every store can count: a hundred years', async () => {
    const { store, wrap } = setUp({ retentionMs: Infinity });
    const complete = vi.spyOn(store, 'complete');
    await wrap(async () => undefined)();
    expect(complete.mock.calls[0]?.[1]).toEqual({ retentionMs: 3_155_760_000_000 });
  });

  test('that cannot be had is none, and is told: the work is done', async () => {
    const failure = new Error('own');
    const result = (): never => {
      throw failure;
    };
    const { clock, errors, wrap } = setUp({ result });
    const handler = vi.fn(async () => undefined);
    const handle = wrap(handler);
    expect([await handle(), await handle()]).toEqual([undefined, undefined]);
    expect(handler).toHaveBeenCalledTimes(1);
    expect(errors).toEqual([failure]);
    expect(clock.pending).toBe(0);
  });

  test('that cannot be handed over fails the attempt, and the next one is a duplicate still', async () => {
    const onDuplicate = vi.fn().mockRejectedValueOnce(new Error('own')).mockResolvedValue(undefined);
    const handler = vi.fn(async () => undefined);
    const { store, wrap } = setUp({ onDuplicate });
    const handle = wrap(handler);
    await handle();
    await expect(handle()).rejects.toThrow('own');
    expect(await handle()).toBeUndefined();
    expect(handler).toHaveBeenCalledTimes(1);
    expect(store.steps).toEqual(['claim', 'complete', 'claim', 'claim']);
  });
});

describe('when the store fails', () => {
  const failOn = (store: ScriptedStore, failing: string, times = Infinity): void => {
    let left = times;
    store.before = (step) => {
      if (step !== failing || left <= 0) return;
      left -= 1;
      throw new Error('store');
    };
  };

  test('at the claim: put back uncharged, never run unprotected', async () => {
    const { store, errors, wrap } = setUp();
    failOn(store, 'claim');
    const handler = vi.fn(async () => undefined);
    expect(await wrap(handler)()).toEqual(later(1000));
    expect(handler).not.toHaveBeenCalled();
    expect(errors).toHaveLength(1);
  });

  test('at the claim, with run: the handler runs without protection', async () => {
    const { store, wrap } = setUp({ onStoreError: 'run' });
    failOn(store, 'claim');
    const outcome = reject('no');
    expect(await wrap(async () => outcome)()).toMatchObject({ kind: 'reject' });
    expect(store.steps).toEqual(['claim']);
  });

  test('at the completion: asked again, so that the work is not done twice', async () => {
    const { clock, store, wrap } = setUp();
    failOn(store, 'complete', 3);
    const done = ending(wrap(async () => undefined)());
    await clock.advance(100 + 200 + 400);
    expect(await done).toEqual({ value: undefined });
    expect(store.steps.filter((step) => step === 'complete')).toHaveLength(4);
    expect(clock.pending).toBe(0);
  });

  test('at the completion, for the length of a lease: put back uncharged', async () => {
    const { clock, store, wrap } = setUp();
    failOn(store, 'complete');
    const done = ending(wrap(async () => undefined)());
    await clock.advance(3000);
    expect(await done).toEqual({ value: later(1000) });
    expect(store.steps).not.toContain('release');
    expect(clock.pending).toBe(0);
  });

  test('at the completion, finally: put back at once', async () => {
    const { store, wrap } = setUp();
    store.before = (step) => {
      if (step === 'complete') throw new AnymqError('CLOSED', 'closed');
    };
    expect(await wrap(async () => undefined)()).toEqual(later(1000));
    expect(store.steps).toEqual(['claim', 'complete']);
  });

  test('at the completion, by a result that is too large, also another’s of the turn: completed all the same', async () => {
    const { store, errors, wrap } = setUp({
      result: ({ id }) => (id === 'm-3' ? undefined : new Uint8Array(id === 'm-1' ? 2 : 1)),
    });
    const inner = store.complete.bind(store);
    vi.spyOn(store, 'complete').mockImplementation(async (claims, options) => {
      if (claims.some(({ result }) => (result?.length ?? 0) > 1)) throw new AnymqError('TOO_LARGE', 'too large');
      return inner(claims, options);
    });
    const handler = vi.fn(async () => undefined);
    const handle = wrap(handler);
    const all = (): Promise<unknown> => Promise.all(['m-1', 'm-2', 'm-3'].map((id) => handle(fakeDelivery(id))));
    expect(await all()).toEqual([undefined, undefined, undefined]);
    expect(await all()).toEqual([undefined, undefined, undefined]);
    expect(handler).toHaveBeenCalledTimes(3);
    expect(errors).toContainEqual(expect.objectContaining({ code: 'TOO_LARGE' }));
    const kept = await store.claim(['orders//m-1', 'orders//m-2'], { leaseMs: 3000 });
    expect(kept.map((answer) => answer.state === 'done' && answer.result?.length)).toEqual([undefined, 1]);
  });

  test('at the completion, while the consumer stops: the wait ends', async () => {
    const { clock, store, wrap } = setUp();
    failOn(store, 'complete');
    const delivery = fakeDelivery();
    const done = ending(wrap(async () => undefined)(delivery));
    await settle();
    delivery.abort('deadline');
    expect(await done).toEqual({ value: later(1000) });
    expect(clock.pending).toBe(0);
  });

  test('at the completion, with run: acknowledged', async () => {
    const { store, wrap } = setUp({ onStoreError: 'run' });
    failOn(store, 'complete');
    expect(await wrap(async () => undefined)()).toBeUndefined();
  });

  test('by leaving keys unanswered: as at the claim', async () => {
    const { store, wrap } = setUp();
    vi.spyOn(store, 'claim').mockResolvedValue([]);
    expect(await wrap(async () => undefined)()).toEqual(later(1000));
  });

  test.each([
    [0, 1],
    [-5, 1],
    [Number.NaN, 1],
    [1e12, 3000],
  ])('with a wait of %d: %d', async (retryInMs, delayMs) => {
    const { store, wrap } = setUp();
    vi.spyOn(store, 'claim').mockResolvedValue([{ state: 'busy', retryInMs }]);
    expect(await wrap(async () => undefined)()).toEqual(later(delayMs));
  });
});

test.each([{}, { store: {} }, { leaseMs: 50 }, { retentionMs: 1 }, { onStoreError: 'ignore' }, { ttl: 5 }])(
  '%j is refused',
  (options) => {
    const store = new ScriptedStore(new VirtualClock());
    const given = 'leaseMs' in options || 'retentionMs' in options || 'onStoreError' in options || 'ttl' in options;
    expect(() => idempotent({ ...(given ? { store } : {}), ...options } as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  },
);
