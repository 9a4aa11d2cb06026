import { describe, expect, test } from 'vitest';
import { deferred, settle } from './rest.ts';
import { lost, ok, received } from './scripted-driver.ts';
import { stage, type Scene, type Stage } from './stage.ts';

const keyed = (id: string, fields: object = {}) => received(id, { key: 'k', ...fields });
const before = (scene: Scene = {}, concurrency = 10): Promise<Stage> =>
  stage(scene, { acknowledge: 'before', concurrency });

describe('acknowledged before it runs', () => {
  test('starts only once that is confirmed, and is settled no further, whatever becomes of it', async () => {
    const confirmed = deferred();
    const { driver, runs, events } = await before();
    driver.onSettle = async (items) => {
      await confirmed.promise;
      return items.map(() => ok);
    };
    driver.deliver(received('a'), received('b'));
    await settle();
    expect(runs.started).toEqual([]);
    confirmed.resolve();
    await settle();
    expect(runs.running).toEqual(['a', 'b']);
    runs.finish('a');
    runs.fail('b');
    await settle();
    expect(driver.outcomes).toEqual(['acknowledge a', 'acknowledge b']);
    expect(events.filter(({ type }) => type === 'discarded')).toMatchObject([{ id: 'b' }]);
  });

  test('is not run when it was lost instead, and its slot and its key are free again', async () => {
    const { driver, runs } = await before({ ordered: true }, 1);
    driver.onSettle = (items) => items.map(() => lost);
    driver.overshoots = true;
    driver.deliver(keyed('a'), keyed('b'));
    await settle();
    expect(runs.started).toEqual([]);
    driver.onSettle = undefined;
    driver.endPoll();
    await settle();
    driver.deliver(keyed('a'), keyed('b'));
    await settle();
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1', 'b/1']);
  });

  test('and still being acknowledged when the consumer stops: it runs to its end before the stop does', async () => {
    const confirmed = deferred();
    const { driver, runs, consumer, clock } = await before();
    driver.onSettle = async (items) => {
      await confirmed.promise;
      return items.map(() => ok);
    };
    driver.deliver(received('a'));
    await settle();
    const stopped = consumer.stop({ deadlineMs: 60_000 });
    await clock.advance(10_000);
    expect(consumer.state).toBe('stopping');
    confirmed.resolve();
    await settle();
    expect(runs.running).toEqual(['a']);
    expect(driver.closed).toBe(0);
    runs.finish('a');
    await stopped;
    expect(driver.outcomes).toEqual(['acknowledge a']);
    expect(clock.pending).toBe(0);
  });

  test('at the deadline of a stop its signal aborts, and nothing more is settled', async () => {
    const { driver, runs, consumer, clock } = await before();
    driver.deliver(received('a'));
    await settle();
    const { signal } = runs.delivery('a');
    const stopped = consumer.stop({ deadlineMs: 1000 });
    await clock.advance(1000);
    await stopped;
    expect(signal.aborted).toBe(true);
    expect(driver.settleCalls).toEqual([['acknowledge a']]);
  });

  test('is not started after the deadline of a stop', async () => {
    const confirmed = deferred();
    const { driver, runs, consumer, clock, events } = await before();
    driver.onSettle = async (items) => {
      await confirmed.promise;
      return items.map(() => ok);
    };
    driver.deliver(received('a'));
    await settle();
    const stopped = consumer.stop({ deadlineMs: 1000 });
    await clock.advance(1000);
    confirmed.resolve();
    await stopped;
    await settle();
    expect(runs.started).toEqual([]);
    expect(events.filter(({ type }) => type === 'discarded')).toMatchObject([{ id: 'a' }]);
  });

  test('never runs more at once than it may, and a suspect runs alone', async () => {
    const { driver, runs } = await before({}, 2);
    driver.overshoots = true;
    driver.deliver(received('a'), received('b'), received('c'));
    await settle();
    expect(runs.running).toEqual(['a', 'b']);
    driver.deliver(received('s', { suspect: true }));
    runs.finish('a');
    runs.finish('b');
    await settle();
    runs.finish('c');
    driver.deliver(received('d'));
    await settle();
    expect(runs.running).toEqual(['s']);
    expect(runs.most).toBe(2);
  });

  test('and undecodable is discarded', async () => {
    const { driver, runs, events } = await before();
    driver.deliver(received('a', { body: new Uint8Array([0x7b]) }), received('b'));
    await settle();
    expect(runs.running).toEqual(['b']);
    expect(events.filter(({ type }) => type === 'discarded')).toMatchObject([
      { id: 'a', error: { code: 'DECODE_FAILED' } },
    ]);
  });
});
