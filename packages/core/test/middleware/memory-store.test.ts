import { describe, expect, test } from 'vitest';
import type { Claim, IdempotencyStore } from '../../src/middleware/idempotency-store.ts';
import { createMemoryStore } from '../../src/middleware/memory-store.ts';
import { VirtualClock } from './virtual-clock.ts';

const lease = { leaseMs: 1000 };
const retention = { retentionMs: 10_000 };

async function claim(store: IdempotencyStore, key: string, options = lease): Promise<Claim> {
  const [answer] = await store.claim([key], options);
  if (answer?.state !== 'claimed') throw new Error(`${key} is ${answer?.state}`);
  return { key, token: answer.token };
}

async function stateOf(store: IdempotencyStore, key: string): Promise<string | undefined> {
  const [answer] = await store.claim([key], lease);
  if (answer?.state === 'claimed') await store.release([{ key, token: answer.token }]);
  return answer?.state;
}

test('a key is claimed once, completed, and done with its result until its retention ends', async () => {
  const clock = new VirtualClock();
  const store = createMemoryStore({ clock });
  const own = await claim(store, 'a');
  await clock.advance(400);
  expect(await store.claim(['a'], lease)).toEqual([{ state: 'busy', retryInMs: 600 }]);
  const result = Uint8Array.of(1);
  expect(await store.complete([{ ...own, result }], retention)).toEqual([true]);
  expect(await store.claim(['a'], lease)).toEqual([{ state: 'done', result }]);
  await clock.advance(9999);
  expect(await stateOf(store, 'a')).toBe('done');
  await clock.advance(1);
  expect(await stateOf(store, 'a')).toBe('claimed');
  expect(clock.pending).toBe(0);
});

test('a key that is busy is never said to be so for longer than a lease, whatever fraction of a millisecond it is', async () => {
  const clock = new VirtualClock();
  const store = createMemoryStore({ clock });
  await clock.advance(0.25);
  await claim(store, 'a');
  expect(await store.claim(['a'], lease)).toEqual([{ state: 'busy', retryInMs: 1000 }]);
});

test('of one key twice in a call, the second is busy', async () => {
  const answers = await createMemoryStore().claim(['a', 'b', 'a'], lease);
  expect(answers.map(({ state }) => state)).toEqual(['claimed', 'claimed', 'busy']);
});

test('a released key is free', async () => {
  const store = createMemoryStore();
  await store.release([await claim(store, 'a')]);
  expect(await stateOf(store, 'a')).toBe('claimed');
});

describe('a claim whose lease has ended', () => {
  test('is taken over, and its late owner can do nothing', async () => {
    const clock = new VirtualClock();
    const store = createMemoryStore({ clock });
    const late = await claim(store, 'a');
    await clock.advance(1000);
    const own = await claim(store, 'a');
    expect(own.token).not.toBe(late.token);
    expect(await store.extend([late], lease)).toEqual([false]);
    expect(await store.complete([late], retention)).toEqual([false]);
    await store.release([late]);
    expect(await stateOf(store, 'a')).toBe('busy');
    expect(await store.complete([own], retention)).toEqual([true]);
    expect(await store.complete([late], retention)).toEqual([false]);
  });

  test("still is its owner's when nobody took it", async () => {
    const clock = new VirtualClock();
    const store = createMemoryStore({ clock });
    const own = await claim(store, 'a');
    await clock.advance(5000);
    expect(await store.complete([own], retention)).toEqual([true]);
  });
});

test('extending gives another lease, counted from now', async () => {
  const clock = new VirtualClock();
  const store = createMemoryStore({ clock });
  const own = await claim(store, 'a');
  await clock.advance(900);
  expect(await store.extend([own, { key: 'x', token: '1' }], lease)).toEqual([true, false]);
  await clock.advance(900);
  expect(await store.claim(['a'], lease)).toEqual([{ state: 'busy', retryInMs: 100 }]);
});

test('done stays done: no release or extension undoes it, and completing again answers as before', async () => {
  const store = createMemoryStore();
  const own = await claim(store, 'a');
  await store.complete([own], retention);
  await store.release([own]);
  expect(await store.extend([own], lease)).toEqual([false]);
  expect(await store.complete([own], retention)).toEqual([true]);
  expect(await stateOf(store, 'a')).toBe('done');
});

describe('at most maxKeys', () => {
  test('what expired goes first, whatever its age', async () => {
    const clock = new VirtualClock();
    const store = createMemoryStore({ maxKeys: 3, clock });
    await store.complete([await claim(store, 'old-long')], { retentionMs: 100_000 });
    await clock.advance(10);
    await store.complete([await claim(store, 'short')], { retentionMs: 50 });
    await store.complete([await claim(store, 'long')], { retentionMs: 100_000 });
    await clock.advance(50);
    const own = await claim(store, 'new');
    expect(await stateOf(store, 'old-long')).toBe('done');
    expect(await stateOf(store, 'long')).toBe('done');
    expect(await store.complete([own], retention)).toEqual([true]);
  });

  test('then what was completed longest ago, whatever its retention', async () => {
    const clock = new VirtualClock();
    const store = createMemoryStore({ maxKeys: 3, clock });
    await store.complete([await claim(store, 'first')], { retentionMs: 100_000 });
    await clock.advance(10);
    await store.complete([await claim(store, 'second')], { retentionMs: 500 });
    await clock.advance(10);
    await store.complete([await claim(store, 'third')], { retentionMs: 100_000 });
    await store.complete([await claim(store, 'fourth')], { retentionMs: 100_000 });
    for (const key of ['second', 'third', 'fourth']) expect(await stateOf(store, key)).toBe('done');
    await store.complete([await claim(store, 'fifth')], { retentionMs: 100_000 });
    for (const key of ['third', 'fourth', 'fifth']) expect(await stateOf(store, key)).toBe('done');
  });

  test('a live claim never goes; a dead one does', async () => {
    const clock = new VirtualClock();
    const store = createMemoryStore({ maxKeys: 2, clock });
    const claims = [await claim(store, 'a'), await claim(store, 'b'), await claim(store, 'c')];
    expect(await store.extend(claims.slice(1), { leaseMs: 5000 })).toEqual([true, true]);
    await clock.advance(1000);
    await claim(store, 'd');
    expect(await store.complete(claims, retention)).toEqual([false, true, true]);
  });
});

test('after close everything rejects with CLOSED; closing twice is safe', async () => {
  const store = createMemoryStore();
  const own = await claim(store, 'a');
  await store.close();
  await store.close();
  const closed = expect.objectContaining({ code: 'CLOSED' });
  await expect(store.claim(['a'], lease)).rejects.toEqual(closed);
  await expect(store.extend([own], lease)).rejects.toEqual(closed);
  await expect(store.complete([own], retention)).rejects.toEqual(closed);
  await expect(store.release([own])).rejects.toEqual(closed);
});

test.each([{ maxKeys: 0 }, { maxKeys: 1.5 }, { max: 5 }])('%j is refused', (options) => {
  expect(() => createMemoryStore(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
});
