import { describe, expect, test } from 'vitest';
import { deferred, settle } from './rest.ts';
import { received } from './scripted-driver.ts';
import { stage } from './stage.ts';

const suspect = (id: string, fields: object = {}) => received(id, { suspect: true, ...fields });

describe('a message that may have killed its process', () => {
  test('waits for what runs, and nothing else starts beside it', async () => {
    const { driver, runs } = await stage();
    driver.overshoots = true;
    driver.deliver(received('a'), suspect('s'), received('b'));
    await settle();
    expect(runs.running).toEqual(['a']);
    expect(driver.outcomes).toEqual(['release b']);
    runs.finish('a');
    await settle();
    expect(runs.running).toEqual(['s']);
    driver.deliver(received('c'));
    await settle();
    expect(runs.running).toEqual(['s']);
    runs.finish('s');
    await settle();
    expect(runs.running).toEqual(['c']);
    expect(runs.started).toEqual(['a/1', 's/1', 'c/1']);
  });

  test('runs the first time beside others like it, all marked at once, and with nobody else', async () => {
    const marked: number[] = [];
    const { driver, runs } = await stage({
      prepare: (made) => {
        made.onMarkStarted = async (tokens) => void marked.push(tokens.length);
      },
    });
    driver.overshoots = true;
    driver.deliver(received('a'), suspect('s'), received('b'), suspect('t'), suspect('u', { crashCount: 1 }));
    await settle();
    expect(driver.outcomes).toEqual(['release b', 'release u']);
    runs.finish('a');
    await settle();
    expect(runs.running).toEqual(['s', 't']);
    expect(marked).toEqual([2]);
    driver.deliver(received('c'));
    runs.finish('s');
    await settle();
    expect(runs.running).toEqual(['t']);
    runs.finish('t');
    await settle();
    expect(runs.running).toEqual(['c']);
  });

  test('runs beside no more than the concurrency, and as many are fetched', async () => {
    const { driver, runs } = await stage({}, { concurrency: 3 });
    driver.deliver(suspect('r'), suspect('s'), suspect('t'), suspect('u'), suspect('v'));
    await settle();
    expect(runs.running).toEqual(['r']);
    runs.finish('r');
    await settle();
    expect(runs.running).toEqual(['s', 't', 'u']);
    for (const id of ['s', 't', 'u']) runs.finish(id);
    await settle();
    expect(runs.running).toEqual(['v']);
    expect(driver.receives.map(({ maxMessages }) => maxMessages)).toEqual([1, 3, 3]);
  });

  test.each([
    ['once its process has died in such a run', { crashCount: 1 }, { crashLimit: 3 }],
    ['where a single death is the limit', {}, { crashLimit: 1 }],
  ])('runs alone %s, and is fetched alone', async (_, fields, options) => {
    const { driver, runs } = await stage({}, options);
    driver.deliver(suspect('s', fields), suspect('t', fields), suspect('u', fields));
    for (const id of ['s', 't', 'u']) {
      await settle();
      expect(runs.running).toEqual([id]);
      runs.finish(id);
    }
    await settle();
    expect(driver.outcomes).toEqual(['acknowledge s', 'acknowledge t', 'acknowledge u']);
    expect(driver.receives.map(({ maxMessages }) => maxMessages)).toEqual([1, 1, 1, 1]);
  });

  test('beside which another is lost while it runs keeps all others away until both handlers have returned', async () => {
    const { driver, runs } = await stage();
    driver.overshoots = true;
    const s = suspect('s');
    driver.deliver(s, suspect('t'));
    await settle();
    driver.lose(s);
    driver.deliver(received('a'));
    runs.finish('t');
    await settle();
    expect(runs.running).toEqual(['s']);
    runs.finish('s');
    await settle();
    expect(runs.running).toEqual(['a']);
  });

  test('is dead-lettered, and not run, after crashLimit deaths', async () => {
    const { driver, runs } = await stage({}, { crashLimit: 2 });
    driver.deliver(suspect('s', { crashCount: 1 }), suspect('t', { crashCount: 2 }));
    await settle();
    expect(runs.running).toEqual(['s']);
    runs.finish('s');
    await settle();
    expect(driver.outcomes).toEqual(['acknowledge s', 'deadLetter t']);
    expect(runs.started).toEqual(['s/1']);
  });

  test('is marked before it runs, and runs when marking fails', async () => {
    const marks = [deferred(), deferred()];
    const marked: number[] = [];
    const { driver, runs } = await stage({
      prepare: (driver) => {
        driver.onMarkStarted = async (tokens) => {
          marked.push(tokens.length);
          await marks[marked.length - 1]?.promise;
        };
      },
    });
    driver.deliver(suspect('s'), suspect('t'));
    await settle();
    expect(runs.running).toEqual([]);
    marks[0]?.resolve();
    await settle();
    expect(runs.running).toEqual(['s']);
    runs.finish('s');
    await settle();
    marks[1]?.reject(new Error('cut'));
    await settle();
    expect(runs.running).toEqual(['t']);
    expect(marked).toEqual([1, 1]);
  });

  test('that is lost while it runs stays alone until its handler has returned', async () => {
    const { driver, runs } = await stage();
    const s = suspect('s');
    driver.deliver(s, received('a'));
    await settle();
    driver.lose(s);
    await settle();
    expect(runs.running).toEqual(['s']);
    runs.finish('s');
    await settle();
    expect(runs.running).toEqual(['a']);
  });

  test('that waited beyond its lease, in a frozen process, goes back', async () => {
    const { driver, runs, clock } = await stage();
    driver.deliver(received('a'));
    await settle();
    driver.deliver(suspect('s'));
    await settle();
    driver.deliver(received('b'));
    clock.freeze(30_000);
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1', 'b/1']);
    expect(driver.outcomes).toContain('release s');
  });

  test('in a lane keeps its place; its followers and other lanes wait here, and are not fetched again', async () => {
    const { driver, runs } = await stage({ ordered: true });
    driver.overshoots = true;
    driver.deliver(suspect('s', { key: 'k' }), received('a', { key: 'k' }), received('b', { key: 'l' }));
    await settle();
    expect(runs.running).toEqual(['s']);
    runs.finish('s');
    await settle();
    expect(runs.running.toSorted()).toEqual(['a', 'b']);
    expect(driver.outcomes).toEqual(['acknowledge s']);
  });

  test('in a lane has company of other lanes only: of its own the next runs when it has ended', async () => {
    const { driver, runs } = await stage({ ordered: true });
    driver.overshoots = true;
    driver.deliver(suspect('s', { key: 'k' }), suspect('t', { key: 'k' }), suspect('u', { key: 'l' }));
    await settle();
    expect(runs.running).toEqual(['s', 'u']);
    runs.finish('s');
    await settle();
    expect(runs.running).toEqual(['u']);
    runs.finish('u');
    await settle();
    expect(runs.running).toEqual(['t']);
  });
});

describe('while it is being marked', () => {
  const marking = async () => {
    const mark = deferred();
    const made = await stage({ prepare: (driver) => (driver.onMarkStarted = () => mark.promise) });
    const s = suspect('s');
    made.driver.deliver(s, received('a'));
    await settle();
    return { ...made, mark, s };
  };

  test('a loss is not overlooked', async () => {
    const { driver, runs, mark, s } = await marking();
    driver.lose(s);
    mark.resolve();
    await settle();
    expect(runs.running).toEqual(['a']);
    expect(driver.settleCalls).toEqual([]);
  });

  test('a hand-over sends it back', async () => {
    const { driver, runs, mark, s } = await marking();
    driver.revoke(s);
    mark.resolve();
    await settle();
    expect(runs.running).toEqual(['a']);
    expect(driver.outcomes).toEqual(['release s']);
  });

  test('a pause sends it back', async () => {
    const { driver, runs, mark, consumer } = await marking();
    consumer.pause();
    mark.resolve();
    await settle();
    expect(runs.started).toEqual([]);
    expect(driver.outcomes).toEqual(['release s']);
    consumer.resume();
    await settle();
    expect(runs.running).toEqual(['a']);
  });

  test('a stop sends it back, and is not held up when marking hangs', async () => {
    const { driver, runs, consumer, clock } = await marking();
    const stopped = consumer.stop({ deadlineMs: 1000 });
    await clock.advance(20_000);
    await stopped;
    expect(runs.started).toEqual([]);
    expect(driver.closed).toBe(1);
    expect(clock.pending).toBe(0);
  });
});

test('a mark that hangs holds its message up for no longer than a lease', async () => {
  const { driver, runs, clock } = await stage(
    { prepare: (made) => (made.onMarkStarted = () => new Promise(() => undefined)) },
    { leaseMs: 4000 },
  );
  driver.deliver(received('a', { suspect: true }));
  await settle();
  await clock.advance(3999);
  expect(runs.started).toEqual([]);
  await clock.advance(1);
  await settle();
  expect(runs.started).toEqual(['a/1']);
});
