import { describe, expect, test } from 'vitest';
import { settle } from './rest.ts';
import { received, ScriptedError } from './scripted-driver.ts';
import { stage } from './stage.ts';

const keyed = (id: string, fields: object = {}) => received(id, { key: 'k', ...fields });

describe('leases', () => {
  test('are extended well before they end, for everything in hand, and for nothing that is gone', async () => {
    const { driver, runs, clock } = await stage({ ordered: true }, { leaseMs: 40_000 });
    driver.deliver(keyed('a'), keyed('b'), keyed('c', { key: 'l' }));
    await settle();
    runs.fail('c');
    await clock.advance(900);
    await clock.advance(59_100);
    const each = new Map(['a', 'b', 'c'].map((id) => [id, driver.extended.filter((ids) => ids.includes(id)).length]));
    expect(each.get('a')).toBeGreaterThanOrEqual(2);
    expect(each.get('b')).toBe(each.get('a'));
    runs.finish('a');
    await settle();
    runs.finish('b');
    await settle();
    runs.finish('c');
    await settle();
    const { length } = driver.extended;
    await clock.advance(120_000);
    expect(driver.extended).toHaveLength(length);
    expect(clock.pending).toBe(0);
  });

  test('go on being extended while a call hangs, and after it fails', async () => {
    const { driver, clock, runs } = await stage();
    let calls = 0;
    driver.onExtend = () => {
      calls += 1;
      if (calls <= 3) return new Promise(() => undefined);
      if (calls === 4) return Promise.reject(new ScriptedError('cut'));
      return undefined;
    };
    driver.deliver(received('a'));
    await clock.advance(120_000);
    expect(calls).toBeGreaterThanOrEqual(7);
    runs.finish('a');
    await settle();
    expect(driver.outcomes).toEqual(['acknowledge a']);
  });

  test('are kept for as long as the driver can: then the signal aborts and the outcome is dropped', async () => {
    const { driver, runs, clock } = await stage({ limits: { maxRunMs: 60_000 } });
    driver.deliver(received('a'));
    await settle();
    const { signal } = runs.delivery('a');
    await clock.advance(59_000);
    expect(signal.aborted).toBe(false);
    await clock.advance(9000);
    expect(signal.reason).toMatchObject({ code: 'LEASE_LOST' });
    const { length } = driver.extended;
    await clock.advance(60_000);
    expect(driver.extended).toHaveLength(length);
    runs.finish('a');
    await settle();
    expect(driver.settleCalls).toEqual([]);
  });

  test('that can be kept no longer: its message goes back uncharged as the handler returns, before what follows it', async () => {
    const { driver, runs, clock, events } = await stage({ ordered: true, limits: { maxRunMs: 60_000 } });
    driver.deliver(keyed('a'), keyed('b'), keyed('c'));
    await clock.advance(68_000);
    expect(runs.delivery('a').signal.aborted).toBe(true);
    expect(driver.settleCalls).toEqual([]);
    runs.fail('a');
    await settle();
    expect(driver.settleCalls).toEqual([['release a', 'release b', 'release c']]);
    expect(events.filter(({ type }) => type === 'lost')).toMatchObject([{ id: 'a', reason: 'overdue' }]);
    driver.endPoll();
    await settle();
    driver.deliver(keyed('a', { redelivered: true }), keyed('b'), keyed('c'));
    await settle();
    expect(runs.started).toEqual(['a/1', 'a/1']);
  });

  test('that can be kept no longer end, where the handler goes on, before what follows it goes back', async () => {
    const { driver, runs, clock } = await stage({ ordered: true, limits: { maxRunMs: 60_000 } });
    driver.deliver(keyed('a'), keyed('b'));
    await clock.advance(68_000);
    expect(runs.delivery('a').signal.aborted).toBe(true);
    const lastExtension = driver.extended.findLastIndex((ids) => ids.includes('a'));
    await clock.advance(14_000);
    expect(driver.settleCalls).toEqual([]);
    await clock.advance(1000);
    expect(driver.extended.findLastIndex((ids) => ids.includes('a'))).toBe(lastExtension);
    expect(driver.outcomes).toEqual(['release b']);
    driver.endPoll();
    await settle();
    driver.deliver(keyed('a', { redelivered: true }), keyed('b'));
    await settle();
    expect(runs.started).toEqual(['a/1']);
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1', 'b/1']);
  });

  test('of a run that a redelivery joined are kept for as long again', async () => {
    const { driver, runs, clock } = await stage({ limits: { maxRunMs: 60_000 } });
    driver.deliver(received('a'));
    await clock.advance(120_000);
    driver.deliver(received('a', { redelivered: true }));
    await clock.advance(30_000);
    runs.finish('a');
    await settle();
    expect(driver.outcomes).toEqual(['acknowledge a']);
  });

  test('that ended while the process was frozen let nothing start that was fetched before', async () => {
    for (const ordered of [false, true]) {
      const { driver, runs, clock } = await stage({ ordered }, { concurrency: 1 });
      driver.overshoots = true;
      driver.deliver(keyed('a'), keyed('b'), keyed('c', { key: 'l' }));
      await settle();
      clock.freeze(31_000);
      runs.finish('a');
      await settle();
      expect(runs.started).toEqual(['a/1']);
      expect(driver.outcomes.toSorted()).toEqual(['acknowledge a', 'release b', 'release c']);
      driver.deliver(keyed('b'));
      await settle();
      expect(runs.running).toEqual(['b']);
    }
  });

  test('that ended while the process was frozen let no held message start', async () => {
    const { driver, runs, clock } = await stage({ ordered: true });
    driver.deliver(keyed('a'), keyed('b'));
    await settle();
    runs.fail('a');
    await settle();
    clock.freeze(31_000);
    await clock.advance(1000);
    expect(runs.started).toEqual(['a/1']);
    expect(driver.outcomes.toSorted()).toEqual(['release a', 'release b']);
  });
});
