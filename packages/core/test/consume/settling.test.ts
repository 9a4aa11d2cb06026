import { describe, expect, test } from 'vitest';
import { reject, retryLater } from '../../src/outcome.ts';
import { deferred, settle } from './rest.ts';
import { failed, lost, ok, received, ScriptedError } from './scripted-driver.ts';
import { stage } from './stage.ts';

const keyed = (id: string, fields: object = {}) => received(id, { key: 'k', ...fields });
const count = (many: number) => Array.from({ length: many }, (_, index) => index);

describe('a settlement', () => {
  test('that fails is made again, item by item, until each was answered', async () => {
    const { driver, runs, clock, events } = await stage();
    driver.onSettle = (items) => items.map((_, index) => (index === 1 ? failed : index === 2 ? lost : ok));
    driver.deliver(received('a'), received('b'), received('c'));
    await settle();
    for (const id of ['a', 'b', 'c']) runs.finish(id);
    await settle();
    driver.onSettle = undefined;
    await clock.advance(100);
    expect(driver.settleCalls).toEqual([['acknowledge a', 'acknowledge b', 'acknowledge c'], ['acknowledge b']]);
    expect(events.filter(({ type }) => type === 'settle-failed')).toMatchObject([{ messages: 1 }]);
    expect(events.filter(({ type }) => type === 'lost')).toMatchObject([{ id: 'c' }]);
    expect(clock.pending).toBeLessThanOrEqual(1);
  });

  test('that fails alone waits alone: what comes meanwhile is settled at once', async () => {
    const { driver, runs, clock } = await stage();
    driver.onSettle = (items) => items.map(({ token }) => (JSON.stringify(token).includes('poison') ? failed : ok));
    driver.deliver(received('poison'), ...count(50).map((n) => received(`m${n}`)));
    await settle();
    for (let round = 0; round < 100 && runs.running.length > 0; round++) {
      for (const id of runs.running) runs.finish(id);
      await settle();
    }
    expect(driver.settled).toHaveLength(50);
    await clock.advance(20_000);
    const attempts = driver.settleCalls.flat().filter((call) => call === 'acknowledge poison');
    expect(attempts.length).toBeGreaterThan(8);
    expect(attempts.length).toBeLessThan(20);
  });

  test('that is rejected as a whole, or answered too short, is made again with growing pauses', async () => {
    const { driver, runs, clock } = await stage();
    driver.onSettle = () => (driver.settleCalls.length % 2 === 0 ? [] : Promise.reject(new ScriptedError('cut')));
    driver.deliver(received('a'));
    await settle();
    runs.finish('a');
    await settle();
    await clock.advance(20_000);
    const calls = driver.settleCalls.length;
    expect(calls).toBeGreaterThan(8);
    expect(calls).toBeLessThan(20);
    driver.onSettle = undefined;
    await clock.advance(2000);
    expect(driver.outcomes).toEqual(['acknowledge a']);
  });

  test('of an ordered consumer is under way alone; of another one, several may be', async () => {
    for (const [ordered, most] of [
      [true, 1],
      [false, 2],
    ] as const) {
      const flights: (() => void)[] = [];
      const { driver, runs } = await stage({ ordered });
      driver.onSettle = async (items) => {
        const flight = deferred();
        flights.push(flight.resolve);
        await flight.promise;
        return items.map(() => ok);
      };
      driver.deliver(...count(5).map((n) => received(`m${n}`, { key: `${n}` })));
      for (const n of count(5)) {
        await settle();
        runs.finish(`m${n}`);
        await settle();
      }
      expect(flights).toHaveLength(most);
      while (flights.length > 0) {
        flights.splice(0).forEach((land) => land());
        await settle();
      }
      expect(driver.outcomes).toHaveLength(5);
    }
  });

  test('of a dead letter that fails keeps its lane waiting, and other keys go on', async () => {
    const { driver, runs, clock } = await stage({ ordered: true });
    driver.onSettle = (items) => items.map(({ outcome }) => (outcome.kind === 'deadLetter' ? failed : ok));
    driver.deliver(keyed('a'), keyed('b'), keyed('c', { key: 'l' }));
    await settle();
    runs.finish('a', reject('no'));
    await clock.advance(10_000);
    expect(runs.running).toEqual(['c']);
    driver.deliver(keyed('d', { key: 'm' }));
    await settle();
    expect(runs.running).toEqual(['c', 'd']);
    driver.onSettle = undefined;
    await clock.advance(3000);
    expect(runs.running).toEqual(['c', 'd', 'b']);
  });

  test('of a lane that goes back takes all of it at once, however long it is', async () => {
    const { driver, runs, consumer } = await stage({ ordered: true }, { concurrency: 2, maxHeld: 5000 });
    driver.overshoots = true;
    driver.deliver(received('x', { key: 'x' }), ...count(1500).map((n) => keyed(`m${n}`)));
    await settle();
    expect(runs.running).toEqual(['x', 'm0']);
    void consumer.stop();
    await settle();
    expect(driver.settleCalls).toHaveLength(1);
    expect(driver.settleCalls[0]).toHaveLength(1499);
  });

  test('is not repeated for ever after a stop, and nothing is left of it', async () => {
    const { driver, runs, consumer, clock } = await stage();
    driver.onSettle = () => Promise.reject(new ScriptedError('cut'));
    driver.deliver(received('a'));
    await settle();
    runs.finish('a');
    const stopped = consumer.stop({ deadlineMs: 60_000 });
    await clock.advance(20_000);
    await stopped;
    const calls = driver.settleCalls.length;
    await clock.advance(60_000);
    expect(driver.settleCalls).toHaveLength(calls);
    expect(driver.closed).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test('that is lost while it waits to be made again does not hold up a stop', async () => {
    const { driver, runs, consumer, clock } = await stage();
    const a = received('a');
    driver.onSettle = () => Promise.reject(new ScriptedError('cut'));
    driver.deliver(a);
    await settle();
    runs.finish('a');
    await settle();
    const stopped = consumer.stop();
    await settle();
    driver.lose(a);
    await clock.advance(1000);
    expect(consumer.state).toBe('stopped');
    await stopped;
  });

  test('that hangs does not hold up a stop', async () => {
    const { driver, runs, consumer, clock } = await stage();
    driver.onSettle = () => new Promise(() => undefined);
    driver.deliver(received('a'));
    await settle();
    runs.finish('a');
    const stopped = consumer.stop({ deadlineMs: 1000 });
    await clock.advance(20_000);
    await stopped;
    expect(clock.pending).toBe(0);
  });

  test('is progress at the time of its confirmation', async () => {
    const { driver, runs, client, clock } = await stage();
    driver.deliver(received('a'));
    await clock.advance(60_000);
    runs.finish('a');
    await settle();
    expect((await client.check()).consumers).toMatchObject([{ lastProgressAt: new Date(clock.now()) }]);
  });

  test('that was asked for by the handler is made as it was asked for', async () => {
    const { driver, runs, clock } = await stage();
    driver.deliver(received('a', { attempt: 5 }), received('b', { attempt: 5 }));
    await settle();
    runs.finish('a', retryLater(5000));
    runs.finish('b', retryLater(5000, { charge: false }));
    await settle();
    expect(driver.outcomes).toEqual(['deadLetter a', 'retry b']);
    expect(driver.settled[1]?.outcome).toEqual({
      kind: 'retry',
      dueAt: clock.now() + 5000,
      attempt: 5,
      failure: undefined,
    });
  });

  test('that fails for long stops the fetching before too much is unconfirmed, and lets it go on afterwards', async () => {
    const { driver, consumer, clock } = await stage({ handler: () => undefined });
    driver.onSettle = () => Promise.reject(new ScriptedError('cut'));
    driver.deliver(...count(10_000).map((n) => received(`m${n}`)));
    await clock.advance(30_000);
    const fetched = 10_000 - driver.inbox.length;
    expect(fetched).toBeLessThanOrEqual(2100);
    const calls = driver.receives.length;
    await clock.advance(30_000);
    expect(driver.receives).toHaveLength(calls);
    driver.onSettle = undefined;
    await clock.advance(60_000);
    for (let turn = 0; turn < 200 && driver.outcomes.length < 10_000; turn += 1) await settle();
    expect(driver.outcomes).toHaveLength(10_000);
    await consumer.stop();
  });
});
