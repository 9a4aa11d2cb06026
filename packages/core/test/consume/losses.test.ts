import { describe, expect, test } from 'vitest';
import { deferred, settle } from './rest.ts';
import { lost, ok, received } from './scripted-driver.ts';
import { stage, type Stage } from './stage.ts';
import { reject } from '../../src/outcome.ts';

const keyed = (id: string, fields: object = {}) => received(id, { key: 'k', ...fields });
/** The n-th delivery of one message. */
const again = (id: string, fields: object = {}) => keyed(id, { redelivered: true, ...fields });
const lostEvents = ({ events }: Stage): string[] =>
  events.filter((event) => event.type === 'lost').map((event) => event.id);

describe('a delivery that is lost', () => {
  test('while its handler runs: the signal aborts, and what the handler returns is dropped', async () => {
    const { driver, runs, consumer } = await stage();
    const a = received('a');
    driver.deliver(a);
    await settle();
    const { signal } = runs.delivery('a');
    driver.lose(a);
    expect(signal.aborted).toBe(true);
    runs.finish('a');
    await settle();
    expect(driver.settleCalls).toEqual([]);
    await consumer.stop();
    expect(driver.settleCalls).toEqual([]);
  });

  test('keeps its slot taken until the handler has returned', async () => {
    const { driver, runs } = await stage({}, { concurrency: 1 });
    const a = received('a');
    driver.deliver(a, received('b'));
    await settle();
    driver.lose(a);
    await settle();
    expect(runs.running).toEqual(['a']);
    runs.finish('a');
    await settle();
    expect(runs.running).toEqual(['b']);
  });

  test('before it starts: it is not started', async () => {
    const { driver, runs } = await stage({}, { concurrency: 1 });
    const b = received('b');
    driver.overshoots = true;
    driver.deliver(received('a'), b);
    await settle();
    driver.lose(b);
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1']);
  });

  test('on its way to us: it is not started, and nothing overtakes it', async () => {
    const { driver, runs } = await stage({ ordered: true });
    const [a, b] = [keyed('a'), keyed('b')];
    driver.onReceive = async () => {
      driver.onReceive = undefined;
      queueMicrotask(() => driver.lose(a));
      return [a, b];
    };
    driver.endPoll();
    await settle();
    expect(runs.started).toEqual([]);
    expect(driver.outcomes).toEqual(['release b']);
  });

  test('while it is settled: the settlement is dropped when it comes too late', async () => {
    const { driver, runs, events } = await stage();
    const a = received('a');
    const flight = deferred();
    driver.onSettle = async (items) => {
      await flight.promise;
      return items.map(() => lost);
    };
    driver.deliver(a);
    await settle();
    runs.finish('a');
    await settle();
    driver.lose(a);
    flight.resolve();
    await settle();
    expect(driver.settleCalls).toEqual([['acknowledge a']]);
    expect(events.filter(({ type }) => type === 'lost')).toHaveLength(1);
  });

  test('while it waits to be settled again: it is not settled again', async () => {
    const { driver, runs, clock } = await stage();
    const a = received('a');
    driver.onSettle = () => Promise.reject(new Error('cut'));
    driver.deliver(a);
    await settle();
    runs.finish('a');
    await settle();
    driver.lose(a);
    driver.onSettle = undefined;
    await clock.advance(60_000);
    expect(driver.settleCalls).toEqual([['acknowledge a']]);
    expect(clock.pending).toBe(0);
  });

  test('while it waits until it is due', async () => {
    const { driver, runs, clock, consumer } = await stage();
    const a = received('a', { dueAt: clock.now() + 40 });
    driver.deliver(a);
    await settle();
    driver.lose(a);
    await clock.advance(1000);
    expect(runs.started).toEqual([]);
    await consumer.stop();
    expect(driver.settleCalls).toEqual([]);
  });
});

describe('a lane of which a delivery is lost', () => {
  test('gives back what waits behind the running one, and lets nothing that a fetch under way brings overtake it', async () => {
    const { driver, runs } = await stage({ ordered: true });
    const [a, b] = [keyed('a'), keyed('b')];
    driver.deliver(a, b);
    await settle();
    expect(runs.running).toEqual(['a']);
    driver.lose(a);
    driver.deliver(keyed('c'));
    runs.finish('a');
    await settle();
    expect(driver.outcomes).toEqual(['release b', 'release c']);
    driver.deliver(again('a'), keyed('b'), keyed('c'));
    await settle();
    expect(runs.started).toEqual(['a/1', 'a/1']);
  });

  test('holds back later arrivals until what went back has been confirmed', async () => {
    const { driver, runs } = await stage({ ordered: true });
    const [a, b] = [keyed('a'), keyed('b')];
    driver.deliver(a, b);
    await settle();
    const confirmed = deferred();
    driver.onSettle = async (items) => {
      await confirmed.promise;
      return items.map(() => ok);
    };
    driver.lose(a);
    await settle();
    const before = driver.receives.length;
    driver.deliver(keyed('c'));
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1']);
    expect(driver.receives.length).toBe(before);
    confirmed.resolve();
    await settle();
    expect(driver.outcomes).toEqual(['release b', 'release c']);
  });

  test('whose held head is lost: it is not started at its time, and its followers go back', async () => {
    const { driver, runs, clock } = await stage({ ordered: true });
    const a = keyed('a');
    driver.deliver(a, keyed('b'));
    await settle();
    runs.fail('a');
    await settle();
    driver.lose(a);
    await clock.advance(5000);
    expect(runs.started).toEqual(['a/1']);
    expect(driver.outcomes).toEqual(['release b']);
  });

  test('whose follower is lost: later ones go back, and the head goes on', async () => {
    const all = await stage({ ordered: true });
    const { driver, runs } = all;
    const [a, b, c] = [keyed('a'), keyed('b'), keyed('c')];
    driver.deliver(a, b, c);
    await settle();
    driver.lose(b);
    await settle();
    expect(lostEvents(all)).toEqual(['b']);
    expect(driver.outcomes).toEqual(['release c']);
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1']);
    expect(driver.outcomes).toEqual(['release c', 'acknowledge a']);
  });

  test('all at once: nothing of it is settled, each is told once, and the key works afterwards', async () => {
    const all = await stage({ ordered: true });
    const { driver, runs } = all;
    const [a, b, c] = [keyed('a'), keyed('b'), keyed('c')];
    driver.deliver(a, b, c);
    await settle();
    driver.lose(a, b, c);
    await settle();
    expect(driver.settleCalls).toEqual([]);
    expect(lostEvents(all).toSorted()).toEqual(['a', 'b', 'c']);
    runs.finish('a');
    driver.endPoll();
    await settle();
    driver.deliver(again('a'), keyed('b'));
    await settle();
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1', 'a/1', 'b/1']);
  });

  test('while its head is dead-lettered: the followers go back', async () => {
    const { driver, runs } = await stage({ ordered: true });
    driver.onSettle = (items) => items.map(({ outcome }) => (outcome.kind === 'deadLetter' ? lost : ok));
    driver.deliver(keyed('a'), keyed('b'));
    await settle();
    runs.finish('a', reject('no'));
    await settle();
    expect(runs.started).toEqual(['a/1']);
    expect(driver.outcomes).toEqual(['release b']);
    driver.endPoll();
    await settle();
    driver.deliver(again('a'), keyed('b'));
    await settle();
    expect(runs.started).toEqual(['a/1', 'a/1']);
  });
});

describe('a redelivery of a message that still runs here', () => {
  test('is joined to a run that was lost: its success counts for the new delivery', async () => {
    const { driver, runs } = await stage();
    const [a, a2] = [received('a'), received('a', { redelivered: true })];
    driver.deliver(a);
    await settle();
    driver.lose(a);
    driver.deliver(a2);
    await settle();
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1']);
    expect(driver.settled).toMatchObject([{ token: a2.token, outcome: { kind: 'acknowledge' } }]);
  });

  test('runs again, uncharged, when the lost run failed', async () => {
    const { driver, runs } = await stage();
    const a = received('a');
    driver.deliver(a);
    await settle();
    driver.lose(a);
    driver.deliver(received('a', { redelivered: true }));
    await settle();
    runs.fail('a');
    await settle();
    expect(runs.started).toEqual(['a/1', 'a/1']);
    expect(driver.settleCalls).toEqual([]);
  });

  test('is acknowledged together with the first, when that is still ours', async () => {
    const { driver, runs } = await stage();
    const [a, a2] = [received('a'), received('a', { redelivered: true })];
    driver.deliver(a);
    await settle();
    driver.deliver(a2);
    await settle();
    runs.finish('a');
    await settle();
    expect(new Set(driver.settled.map(({ token }) => token))).toEqual(new Set([a.token, a2.token]));
    expect(driver.outcomes).toEqual(['acknowledge a', 'acknowledge a']);
  });

  test('is retried when the run that goes on fails', async () => {
    const { driver, runs } = await stage();
    const a2 = received('a', { redelivered: true });
    driver.deliver(received('a'));
    await settle();
    driver.deliver(a2);
    await settle();
    runs.fail('a');
    await settle();
    expect(driver.settled).toMatchObject([{ token: a2.token, outcome: { kind: 'retry', attempt: 2 } }]);
  });

  test('is dead-lettered when the run that goes on rejects it', async () => {
    const { driver, runs } = await stage();
    const a2 = received('a', { redelivered: true });
    driver.deliver(received('a'));
    await settle();
    driver.deliver(a2);
    await settle();
    runs.finish('a', reject('no'));
    await settle();
    expect(driver.settled).toMatchObject([{ token: a2.token, outcome: { kind: 'deadLetter' } }]);
  });

  test('that is redelivered once more is acknowledged with all its deliveries, so that none comes again', async () => {
    const { driver, runs } = await stage();
    const deliveries = [received('a'), received('a', { redelivered: true }), received('a', { redelivered: true })];
    for (const one of deliveries) {
      driver.deliver(one);
      await settle();
    }
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1']);
    expect(new Set(driver.settled.map(({ token }) => token))).toEqual(new Set(deliveries.map(({ token }) => token)));
    expect(driver.outcomes).toEqual(['acknowledge a', 'acknowledge a', 'acknowledge a']);
  });

  test('that is lost itself leaves nothing behind', async () => {
    const { driver, runs, consumer, clock } = await stage();
    const [a, a2] = [received('a'), received('a', { redelivered: true })];
    driver.deliver(a);
    await settle();
    driver.lose(a);
    driver.deliver(a2);
    await settle();
    driver.lose(a2);
    runs.finish('a');
    await settle();
    expect(driver.settleCalls).toEqual([]);
    await consumer.stop();
    expect(clock.pending).toBe(0);
  });

  test('takes the place of the lost one in its lane', async () => {
    const { driver, runs } = await stage({ ordered: true });
    const [a, b] = [keyed('a'), keyed('b')];
    driver.deliver(a, b);
    await settle();
    driver.lose(a, b);
    driver.endPoll();
    await settle();
    driver.deliver(again('a'), again('b'));
    await settle();
    runs.fail('a');
    await settle();
    expect(runs.started).toEqual(['a/1', 'a/1']);
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1', 'a/1', 'b/1']);
  });

  test('that is lost itself takes what follows in its lane along', async () => {
    const { driver, runs } = await stage({ ordered: true });
    const [a, a2] = [keyed('a'), again('a')];
    driver.deliver(a);
    await settle();
    driver.lose(a);
    driver.endPoll();
    await settle();
    driver.deliver(a2, keyed('b'));
    await settle();
    driver.lose(a2);
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1']);
    expect(driver.outcomes).toEqual(['release b']);
  });

  test('goes back when one before it of its key has to: it must not run first', async () => {
    const { driver, runs } = await stage({ ordered: true });
    const [a, b] = [keyed('a'), keyed('b')];
    driver.deliver(a, b);
    await settle();
    driver.onSettle = () => new Promise(() => undefined);
    runs.finish('a');
    await settle();
    driver.onSettle = undefined;
    driver.lose(a, b);
    driver.overshoots = true;
    driver.deliver(again('a'), again('b'));
    await settle();
    runs.fail('b');
    await settle();
    expect(runs.started).toEqual(['a/1', 'b/1']);
  });

  test('goes back at the deadline of a stop', async () => {
    const { driver, consumer, clock } = await stage();
    const [a, a2] = [received('a'), received('a', { redelivered: true })];
    driver.deliver(a);
    await settle();
    driver.lose(a);
    driver.deliver(a2);
    await settle();
    const stopped = consumer.stop({ deadlineMs: 1000 });
    await clock.advance(1000);
    await stopped;
    expect(driver.settled).toMatchObject([{ token: a2.token, outcome: { kind: 'release' } }]);
  });
});
