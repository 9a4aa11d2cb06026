import { describe, expect, test } from 'vitest';
import { deferred, settle } from './rest.ts';
import { received } from './scripted-driver.ts';
import { stage } from './stage.ts';

const keyed = (id: string, fields: object = {}) => received(id, { key: 'k', ...fields });

describe('a partition that is about to be handed over', () => {
  test('starts nothing more, gives back what has not started, and settles what runs', async () => {
    const { driver, runs } = await stage({ ordered: true }, { concurrency: 2 });
    const [a, b, c, d] = [keyed('a'), keyed('b'), keyed('c', { key: 'l' }), keyed('d', { key: 'm' })];
    driver.overshoots = true;
    driver.deliver(a, b, c, d);
    await settle();
    expect(runs.running).toEqual(['a', 'c']);
    driver.revoke(a, b, c, d);
    await settle();
    expect(driver.outcomes.toSorted()).toEqual(['release b', 'release d']);
    runs.finish('a');
    runs.finish('c');
    await settle();
    expect(runs.started).toEqual(['a/1', 'c/1']);
    expect(driver.outcomes.slice(2)).toEqual(['acknowledge a', 'acknowledge c']);
  });

  test('gives back one that fails while it ends, once its attempt has been recorded', async () => {
    const recorded = deferred();
    const { driver, runs } = await stage({
      ordered: true,
      prepare: (driver) => (driver.onRecordHeld = () => recorded.promise),
    });
    const a = keyed('a');
    driver.deliver(a);
    await settle();
    driver.revoke(a);
    runs.fail('a');
    await settle();
    expect(driver.settleCalls).toEqual([]);
    recorded.resolve();
    await settle();
    expect(driver.outcomes).toEqual(['release a']);
  });

  test('gives back a held one with its followers, also when recording it fails, and twice is once', async () => {
    const { driver, runs, clock } = await stage({
      ordered: true,
      prepare: (driver) => (driver.onRecordHeld = () => Promise.reject(new Error('cut'))),
    });
    const [a, b] = [keyed('a'), keyed('b')];
    driver.deliver(a, b);
    await settle();
    runs.fail('a');
    await settle();
    driver.revoke(a, b);
    driver.revoke(a, b);
    await settle();
    expect(driver.settleCalls.flat().toSorted()).toEqual(['release a', 'release b']);
    await clock.advance(5000);
    expect(runs.started).toEqual(['a/1']);
  });

  test('does not start a held one at its time while its attempt is still being recorded', async () => {
    const recorded = deferred();
    const { driver, runs, clock } = await stage({
      ordered: true,
      prepare: (driver) => (driver.onRecordHeld = () => recorded.promise),
    });
    const a = keyed('a');
    driver.deliver(a, keyed('b'));
    await settle();
    runs.fail('a');
    await settle();
    driver.revoke(a);
    await clock.advance(2000);
    expect(runs.started).toEqual(['a/1']);
    expect(driver.settleCalls).toEqual([]);
    recorded.resolve();
    await settle();
    expect(driver.outcomes).toEqual(['release a', 'release b']);
  });

  test('does not start a redelivery that was joined to a failing run', async () => {
    const { driver, runs } = await stage({ ordered: true });
    const [a, a2] = [keyed('a'), keyed('a', { redelivered: true })];
    driver.deliver(a);
    await settle();
    driver.lose(a);
    driver.deliver(a2);
    await settle();
    driver.revoke(a2);
    runs.fail('a');
    await settle();
    expect(runs.started).toEqual(['a/1']);
    expect(driver.outcomes).toEqual(['release a']);
  });

  test('gives back what is announced before it has arrived', async () => {
    const { driver, runs } = await stage({ ordered: true });
    const a = keyed('a');
    driver.onReceive = async () => {
      driver.onReceive = undefined;
      queueMicrotask(() => driver.revoke(a));
      return [a];
    };
    driver.endPoll();
    await settle();
    expect(runs.started).toEqual([]);
    expect(driver.outcomes).toEqual(['release a']);
  });

  test('takes one that waits until it is due with it', async () => {
    const { driver, runs, clock } = await stage({ ordered: true });
    const a = keyed('a', { dueAt: clock.now() + 40 });
    driver.deliver(a);
    await settle();
    const timers = clock.pending;
    driver.revoke(a);
    // Nothing is kept until it would have been due.
    expect(clock.pending).toBe(timers - 1);
    await clock.advance(1000);
    expect(runs.started).toEqual([]);
    expect(driver.outcomes).toEqual(['release a']);
  });
});
