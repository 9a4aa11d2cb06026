import { describe, expect, test } from 'vitest';
import { bytes } from '../../src/codec.ts';
import type { Received } from '../../src/message.ts';
import { release } from '../../src/outcome.ts';
import { deferred, settle } from './rest.ts';
import { failed, ok, received, ScriptedError } from './scripted-driver.ts';
import { stage, type Stage } from './stage.ts';

const keyed = (id: string, fields: object = {}) => received(id, { key: 'k', ...fields });
const count = (many: number) => Array.from({ length: many }, (_, index) => index);
const turns = async (many: number): Promise<void> => {
  for (let turn = 0; turn < many; turn += 1) await settle();
};

describe('fetching', () => {
  test('stops while enough is in hand, and never holds more than the receiver was told', async () => {
    const { driver, runs, clock } = await stage({}, { concurrency: 4 });
    driver.deliver(...count(1000).map((n) => received(`m${n}`)));
    await clock.advance(60_000);
    expect(runs.running).toHaveLength(4);
    expect(1000 - driver.inbox.length).toBeLessThanOrEqual(driver.receiver?.options.maxInFlight ?? 0);
    const { length } = driver.receives;
    await clock.advance(60_000);
    expect(driver.receives).toHaveLength(length);
  });

  test('asks once for what does not come', async () => {
    const { driver, clock } = await stage();
    await clock.advance(60_000);
    expect(driver.receives).toHaveLength(1);
  });

  test('never has two calls under way', async () => {
    let underWay = 0;
    let most = 0;
    const { driver, runs } = await stage({
      prepare: (made) => {
        made.onReceive = async () => {
          underWay += 1;
          most = Math.max(most, underWay);
          await settle();
          underWay -= 1;
          return made.inbox.splice(0, 2);
        };
      },
    });
    driver.deliver(...count(20).map((n) => received(`m${n}`)));
    for (const _ of count(30)) {
      await turns(2);
      for (const id of runs.running) runs.finish(id);
    }
    expect(driver.outcomes).toHaveLength(20);
    expect(most).toBe(1);
  });

  test('goes on while what came is not yet handled, save beside a suspect and for an ordered destination', async () => {
    for (const [fields, ordered, ahead] of [
      [{}, false, true],
      [{ crashCount: 1 }, false, false],
      [{ key: 'k' }, true, false],
    ] as const) {
      const runningAt: number[] = [];
      const { driver, runs } = await stage({ ordered }, { concurrency: 10 });
      driver.onReceive = () => {
        runningAt.push(runs.running.length);
        return driver.inbox.length > 0 ? Promise.resolve(driver.inbox.splice(0, 1)) : undefined;
      };
      driver.deliver(received('m0', fields));
      await turns(5);
      expect(runs.running).toEqual(['m0']);
      expect(runningAt.includes(0)).toBe(ahead);
      runs.finish('m0');
      await settle();
    }
  });

  test('gives back what came ahead when the consumer stops', async () => {
    const { driver, runs, consumer } = await stage({}, { concurrency: 4 });
    const ahead = deferred<readonly Received[]>();
    driver.onReceive = () => {
      driver.onReceive = undefined;
      return ahead.promise;
    };
    driver.deliver(received('m0'));
    await turns(5);
    const stopping = consumer.stop();
    ahead.resolve([received('m1'), received('m2')]);
    await turns(5);
    expect(driver.outcomes).toEqual(['release m1', 'release m2']);
    runs.finish('m0');
    await stopping;
    expect(driver.outcomes).toHaveLength(3);
  });

  test('keeps within the bytes that may be in hand, and a single large message still comes', async () => {
    const { driver, runs } = await stage(
      { ordered: true, definition: { codec: bytes } },
      { concurrency: 1, maxHeld: 100_000 },
    );
    const body = new Uint8Array(8 * 1024 * 1024);
    driver.onReceive = ({ maxBytes }) => {
      const batch = [];
      let bytes = 0;
      for (let next = driver.inbox[0]; next !== undefined; next = driver.inbox[0]) {
        if (batch.length > 0 && bytes + next.body.length > maxBytes) break;
        bytes += next.body.length;
        batch.push(...driver.inbox.splice(0, 1));
      }
      return batch.length > 0 ? Promise.resolve(batch) : undefined;
    };
    driver.inbox.push(...count(100).map((n) => keyed(`m${n}`, { body })));
    driver.endPoll();
    await turns(5);
    expect(100 - driver.inbox.length).toBeLessThanOrEqual(9);
    for (const n of count(100)) {
      runs.finish(`m${n}`);
      await settle();
    }
    expect(driver.outcomes).toHaveLength(100);
  });

  test('leaves out a partition of which maxHeld wait, goes on with others, and comes back to it', async () => {
    const { driver, runs, events } = await stage(
      { ordered: true, definition: { partitions: 2 } },
      { concurrency: 2, maxHeld: 4 },
    );
    driver.deliver(...count(10).map((n) => keyed(`m${n}`, { partition: 1 })));
    await turns(5);
    driver.deliver(keyed('other', { key: 'l', partition: 0 }));
    await settle();
    expect(runs.running).toEqual(['m0', 'other']);
    expect(driver.inbox.length).toBeGreaterThan(0);
    expect(events.filter(({ type }) => type === 'partition-waits')).toHaveLength(1);
    expect(driver.receives.at(-1)?.pausedPartitions).toEqual(new Set([1]));
    runs.finish('other');
    for (const n of count(10)) {
      await turns(2);
      runs.finish(`m${n}`);
    }
    await settle();
    expect(driver.outcomes).toHaveLength(11);
  });

  test('leaves out a partition whose lanes hold its share of the memory, says so, and goes on with others', async () => {
    const { driver, runs, events } = await stage({ ordered: true, definition: { partitions: 2 } });
    // 64 MiB for two partitions; headers count as bodies do.
    const big = 'x'.repeat(4 * 1024 * 1024);
    const body = new TextEncoder().encode(JSON.stringify(big));
    const headers = { big };
    for (const n of count(6)) {
      driver.deliver(keyed(`m${n}`, { partition: 1, body, headers }));
      await settle();
    }
    expect(events.filter(({ type }) => type === 'partition-waits')).toMatchObject([{ partition: 1, held: 4 }]);
    driver.deliver(keyed('other', { key: 'l', partition: 0 }));
    await turns(2);
    expect(runs.running).toEqual(['m0', 'other']);
    expect(driver.receives.at(-1)?.pausedPartitions).toEqual(new Set([1]));
  });

  test('says so when more partitions than were defined hold, together, as much as may be held', async () => {
    const { driver, events, runs } = await stage({ ordered: true }, { concurrency: 4, maxHeld: 4 });
    for (const n of count(9)) driver.deliver(keyed(`m${n}`, { key: `${n % 3}`, partition: n % 3 }));
    await turns(5);
    expect(driver.inbox.length).toBeGreaterThan(0);
    expect(events.filter(({ type }) => type === 'partition-waits')).toMatchObject([{ partition: 0, held: 2 }]);
    for (const n of count(9)) {
      await turns(2);
      runs.finish(`m${n}`);
    }
    await settle();
    expect(driver.outcomes).toHaveLength(9);
  });

  test('goes on when every partition waits and one of them gets free', async () => {
    const { driver, runs, clock } = await stage({ ordered: true }, { maxHeld: 1 });
    driver.deliver(...count(6).map((n) => keyed(`m${n}`, { key: `${n}` })));
    for (const n of count(6)) {
      await settle();
      if (runs.running.includes(`m${n}`)) runs.fail(`m${n}`);
    }
    for (const _ of count(20)) {
      await clock.advance(1000);
      for (const id of runs.running) runs.finish(id);
    }
    await settle();
    expect(driver.outcomes.toSorted()).toEqual(count(6).map((n) => `acknowledge m${n}`));
  });

  test('of an unordered consumer goes on while something that went back is not confirmed', async () => {
    const { driver, runs } = await stage();
    driver.onSettle = (items) => items.map(({ outcome }) => (outcome.kind === 'release' ? failed : ok));
    driver.deliver(received('a'));
    await settle();
    runs.finish('a', release());
    await settle();
    driver.deliver(received('b'), received('c'));
    driver.endPoll();
    await turns(3);
    driver.deliver(received('d'));
    await turns(3);
    expect(runs.running).toEqual(['b', 'c', 'd']);
  });

  test('of an ordered one waits for it, however long it takes, and then goes on in order', async () => {
    const { driver, runs, consumer, clock } = await stage({ ordered: true });
    driver.deliver(keyed('a'), keyed('b'));
    await settle();
    driver.onSettle = (items) => items.map(({ outcome }) => (outcome.kind === 'release' ? failed : ok));
    consumer.pause();
    consumer.resume();
    runs.finish('a');
    await clock.advance(60_000);
    driver.deliver(keyed('c'));
    await clock.advance(1000);
    expect(runs.started).toEqual(['a/1']);
    driver.onSettle = undefined;
    driver.inbox.unshift(keyed('b'));
    await clock.advance(5000);
    expect(runs.running).toEqual(['b']);
    runs.finish('b');
    await settle();
    expect(runs.running).toEqual(['c']);
  });

  test('that is answered with nothing, again and again, lets others have their turn', async () => {
    const made = await stage({ prepare: (driver) => (driver.onReceive = () => Promise.resolve([])) });
    const stopped = deferred();
    setTimeout(() => void made.consumer.stop().then(stopped.resolve), 30);
    await stopped.promise;
    expect(made.consumer.state).toBe('stopped');
  });
});

describe('messages that are not due yet', () => {
  const early = async (): Promise<Stage> => stage({ limits: { delay: { maxMs: 900_000, resolutionMs: 100 } } });

  test('wait here for the last part, and go back for anything more', async () => {
    const { driver, runs, clock } = await early();
    const now = clock.now();
    driver.deliver(received('a', { dueAt: now + 200 }), received('b', { dueAt: now + 201, attempt: 3 }));
    await clock.advance(199);
    expect(runs.started).toEqual([]);
    expect(driver.settled).toMatchObject([{ id: 'b', outcome: { kind: 'retry', dueAt: now + 201, attempt: 3 } }]);
    await clock.advance(1);
    expect(runs.running).toEqual(['a']);
  });

  test('are bounded in number', async () => {
    const { driver, runs, clock, consumer } = await early();
    const dueAt = clock.now() + 150;
    driver.overshoots = true;
    driver.deliver(...count(1200).map((n) => received(`m${n}`, { dueAt })));
    await turns(3);
    expect(driver.outcomes).toHaveLength(200);
    await clock.advance(150);
    expect(runs.running).toHaveLength(10);
    const stopped = consumer.stop({ deadlineMs: 0 });
    await clock.advance(0);
    await stopped;
    expect(clock.pending).toBe(0);
  });

  test('expire instead of running when their time is over', async () => {
    const { driver, runs, clock, events } = await stage({ ordered: true });
    driver.deliver(keyed('a', { expiresAt: clock.now() }), keyed('b'));
    await settle();
    expect(runs.running).toEqual(['b']);
    expect(driver.outcomes).toEqual(['acknowledge a']);
    expect(events.filter(({ type }) => type === 'expired')).toMatchObject([{ id: 'a' }]);
  });
});

describe('a broker that comes and goes', () => {
  test('leaves neither a hot loop nor a sleeping consumer behind', async () => {
    const { driver, runs, clock } = await stage({ ordered: true }, { concurrency: 2 });
    let calls = 0;
    driver.onReceive = () => ((calls += 1) % 3 === 0 ? undefined : Promise.reject(new ScriptedError('cut')));
    driver.endPoll();
    for (const n of count(30)) {
      driver.deliver(keyed(`m${n}`, { key: `${n % 5}` }));
      await clock.advance(2000);
      for (const id of runs.running) runs.finish(id);
    }
    await clock.advance(20_000);
    for (const id of runs.running) runs.finish(id);
    await settle();
    expect(driver.outcomes).toHaveLength(30);
    expect(calls).toBeLessThan(200);
  });
});
