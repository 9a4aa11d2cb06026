import { describe, expect, test } from 'vitest';
import type { BatchConsumeHandler, ConsumeHandler, Delivery } from '../../src/consume-types.ts';
import { timeout } from '../../src/middleware/timeout.ts';
import { type Outcome, reject } from '../../src/outcome.ts';
import type { Middleware } from '../../src/send-types.ts';
import { fakeContext, fakeDelivery } from './fake-delivery.ts';
import { deferred, ending, settle, VirtualClock } from './virtual-clock.ts';

const timeoutError = expect.objectContaining({ name: 'TimeoutError', code: 'TIMEOUT' });

function start(options: { readonly graceMs?: number } = {}) {
  const clock = new VirtualClock();
  const delivery = fakeDelivery();
  const handled = deferred<Outcome | undefined>();
  let seen: Delivery | undefined;
  const handler = timeout({ afterMs: 100, clock, ...options })((_body: unknown, own: Delivery) => {
    seen = own;
    return handled.promise;
  });
  const ended = ending(handler('body', delivery));
  const own = (): Delivery => {
    if (seen === undefined) throw new Error('The handler did not run.');
    return seen;
  };
  return { clock, delivery, handled, ended, own };
}

test('it serves both kinds of consumer, as types too', () => {
  const [single, batch]: [Middleware<ConsumeHandler>, Middleware<BatchConsumeHandler>] = [
    timeout({ afterMs: 1 }),
    timeout({ afterMs: 1 }),
  ];
  expect([single, batch]).toHaveLength(2);
});

test('in time: the result counts, no timer is left, and no signal was made', async () => {
  const { clock, delivery, handled, ended } = start();
  await clock.advance(99);
  const outcome = reject('no');
  handled.resolve(outcome);
  expect(await ended).toEqual({ value: outcome });
  expect(clock.pending).toBe(0);
  expect(delivery.signalsMade).toBe(0);
});

test("a failure in time is the handler's own", async () => {
  const { clock, handled, ended } = start();
  handled.reject(new Error('own'));
  expect(await ended).toMatchObject({ error: { message: 'own' } });
  expect(clock.pending).toBe(0);
});

test('what throws at once leaves no timer', async () => {
  const clock = new VirtualClock();
  const handler = timeout({ afterMs: 100, clock })(() => {
    throw new Error('at once');
  });
  await expect(handler('body', fakeDelivery())).rejects.toThrow('at once');
  expect(clock.pending).toBe(0);
});

test('too late: the signal aborts, the slot stays taken, and the result does not count', async () => {
  const { clock, handled, ended, own } = start();
  let over = false;
  void ended.then(() => (over = true));
  const { signal } = own();
  await clock.advance(100);
  expect(signal.aborted).toBe(true);
  expect(signal.reason).toEqual(timeoutError);
  await clock.advance(10_000);
  expect(over).toBe(false);
  handled.resolve(undefined);
  expect(await ended).toEqual({ error: timeoutError });
  expect(clock.pending).toBe(0);
});

test('a success right at the abort does not count without grace', async () => {
  const { clock, handled, ended, own } = start();
  own().signal.addEventListener('abort', () => handled.resolve(undefined));
  await clock.advance(100);
  expect(await ended).toEqual({ error: timeoutError });
});

describe('with grace', () => {
  test('a success within it counts', async () => {
    const { clock, handled, ended } = start({ graceMs: 50 });
    await clock.advance(149);
    handled.resolve(undefined);
    expect(await ended).toEqual({ value: undefined });
    expect(clock.pending).toBe(0);
  });

  test('a success past it does not', async () => {
    const { clock, handled, ended } = start({ graceMs: 50 });
    await clock.advance(150);
    handled.resolve(undefined);
    expect(await ended).toEqual({ error: timeoutError });
  });

  test('a failure within it is the timeout', async () => {
    const { clock, handled, ended } = start({ graceMs: 50 });
    await clock.advance(120);
    handled.reject(new Error('aborted'));
    expect(await ended).toEqual({ error: timeoutError });
    expect(clock.pending).toBe(0);
  });
});

describe('the signal of the handler', () => {
  test('follows that of the delivery', async () => {
    const { delivery, handled, ended, own } = start();
    const { signal } = own();
    delivery.abort('stopped');
    expect(signal.reason).toBe('stopped');
    handled.resolve(undefined);
    await ended;
  });

  test('is aborted when read after either aborted', async () => {
    const [late, lost] = [start(), start()];
    await late.clock.advance(100);
    expect(late.own().signal.reason).toEqual(timeoutError);
    lost.delivery.abort('lost');
    expect(lost.own().signal.reason).toBe('lost');
    expect(lost.own().signal).toBe(lost.own().signal);
    for (const { handled } of [late, lost]) handled.resolve(undefined);
    await settle();
  });

  test('comes with everything else of the delivery', () => {
    const { own, delivery } = start();
    const { message, attempt, destination } = own();
    expect({ message, attempt, destination }).toEqual({ message: delivery.message, attempt: 1, destination: 'orders' });
  });
});

test('a batch has one limit: its context and its members abort together', async () => {
  const clock = new VirtualClock();
  const [first, second] = [fakeDelivery('a'), fakeDelivery('b')];
  const handled = deferred<undefined>();
  const signals: AbortSignal[] = [];
  const next: BatchConsumeHandler = (deliveries, context) => {
    expect(deliveries.map(({ body }) => body)).toEqual(['body of a', 'body of b']);
    signals.push(context.signal, ...deliveries.map(({ signal }) => signal));
    return handled.promise;
  };
  const ended = ending(timeout({ afterMs: 100, clock })(next)([first, second], fakeContext()));
  second.abort('lost');
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, true]);
  await clock.advance(100);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
  handled.resolve(undefined);
  expect(await ended).toEqual({ error: timeoutError });
  expect(clock.pending).toBe(0);
});

test.each([
  {},
  { afterMs: 0 },
  { afterMs: Number.NaN },
  { afterMs: 2 ** 31 },
  { afterMs: 1, graceMs: -1 },
  { afterMs: 1, ms: 5 },
])('%j is refused', (options) => {
  expect(() => timeout(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
});
