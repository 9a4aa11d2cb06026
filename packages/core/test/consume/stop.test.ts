import { describe, expect, test } from 'vitest';
import { deferred, ending, settle } from './rest.ts';
import { received, type ScriptedDriver, ScriptedError } from './scripted-driver.ts';
import { stage } from './stage.ts';

const keyed = (id: string, fields: object = {}) => received(id, { key: 'k', ...fields });

describe('a stop', () => {
  test('lets what runs end and settles it, and sends back at once what has not started', async () => {
    const { driver, runs, consumer, clock } = await stage({}, { concurrency: 1 });
    driver.overshoots = true;
    driver.deliver(received('a'), received('b'));
    await settle();
    const stopped = consumer.stop();
    await settle();
    expect(consumer.state).toBe('stopping');
    expect(driver.outcomes).toEqual(['release b']);
    runs.finish('a');
    await stopped;
    expect(driver.outcomes).toEqual(['release b', 'acknowledge a']);
    expect(consumer.state).toBe('stopped');
    await expect(consumer.finished).resolves.toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test('tells the driver that nothing more is received, before anything goes back', async () => {
    const seen: (readonly string[])[] = [];
    const prepare = (scripted: ScriptedDriver): void => {
      scripted.onRetreat = () => void seen.push(scripted.outcomes);
    };
    const { driver, runs, consumer } = await stage({ prepare }, { concurrency: 1 });
    driver.overshoots = true;
    driver.deliver(received('a'), received('b'));
    await settle();
    const stopped = consumer.stop();
    await settle();
    expect(seen).toEqual([[]]);
    expect(driver.outcomes).toEqual(['release b']);
    runs.finish('a');
    await stopped;
    expect(seen).toHaveLength(1);
  });

  test('sends back what a fetch under way still brings', async () => {
    const { driver, runs, consumer } = await stage();
    driver.onAbort.push(received('a'));
    await consumer.stop();
    expect(runs.started).toEqual([]);
    expect(driver.settleCalls).toEqual([['release a']]);
  });

  test('at its deadline aborts the signals, sends back, uncharged, and drops what is returned later', async () => {
    const { driver, runs, consumer, clock } = await stage();
    driver.deliver(received('a'), received('b'));
    await settle();
    const { signal } = runs.delivery('a');
    const stopped = consumer.stop({ deadlineMs: 1000 });
    await clock.advance(999);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    await stopped;
    expect(signal.reason).toMatchObject({ code: 'ABORTED' });
    expect(driver.settled).toMatchObject([
      { id: 'a', outcome: { kind: 'release' } },
      { id: 'b', outcome: { kind: 'release' } },
    ]);
    runs.fail('a');
    runs.finish('b');
    await settle();
    expect(driver.settleCalls).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test('twice is one stop', async () => {
    const { driver, runs, consumer } = await stage();
    driver.deliver(received('a'));
    await settle();
    const both = Promise.all([consumer.stop(), consumer.stop()]);
    runs.finish('a');
    await both;
    await consumer.stop();
    expect(driver.closed).toBe(1);
    await expect(consumer.start()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('that a handler waits for ends at its deadline', async () => {
    const ended = deferred();
    const { driver, consumer, clock } = await stage({
      handler: async () => {
        await consumer.stop({ deadlineMs: 1000 });
        ended.resolve();
      },
    });
    driver.deliver(received('a'));
    await clock.advance(1000);
    await ended.promise;
    expect(driver.outcomes).toEqual(['release a']);
    expect(consumer.state).toBe('stopped');
  });

  test('sends back what is held in a lane, once its attempt was recorded, and what waits until it is due', async () => {
    const recorded = deferred();
    const { driver, runs, consumer, clock } = await stage({
      ordered: true,
      prepare: (driver) => (driver.onRecordHeld = () => recorded.promise),
    });
    const dueAt = clock.now() + 50;
    driver.deliver(keyed('a'), keyed('b'), keyed('c', { key: 'l', dueAt }));
    await settle();
    runs.fail('a');
    await settle();
    const stopped = consumer.stop();
    await settle();
    expect(driver.outcomes).toEqual(['release b']);
    recorded.resolve();
    await stopped;
    expect(driver.outcomes).toEqual(['release b', 'release a', 'retry c']);
    expect(driver.settled[2]?.outcome).toMatchObject({ dueAt, attempt: 1 });
    expect(clock.pending).toBe(0);
  });

  test('while paused, or before the start, leaves nothing behind', async () => {
    const { driver, consumer, clock } = await stage();
    consumer.pause();
    await consumer.stop();
    expect(driver.closed).toBe(1);
    const idle = await stage({ start: false });
    await idle.consumer.stop();
    expect(idle.consumer.state).toBe('stopped');
    await expect(idle.consumer.finished).resolves.toBeUndefined();
    await expect(idle.consumer.start()).rejects.toMatchObject({ code: 'CLOSED' });
    expect(clock.pending + idle.clock.pending).toBe(0);
  });

  test('survives a receiver that fails or hangs while it closes, and a fetch that ignores its signal', async () => {
    const { driver, consumer, clock } = await stage();
    driver.onClose = () => Promise.reject(new ScriptedError('cut'));
    await consumer.stop();
    expect(consumer.state).toBe('stopped');
    const hanging = await stage({ prepare: (driver) => (driver.onReceive = () => new Promise(() => undefined)) });
    hanging.driver.onClose = () => new Promise(() => undefined);
    const stopped = hanging.consumer.stop({ deadlineMs: 0 });
    await hanging.clock.advance(20_000);
    await stopped;
    expect(hanging.consumer.state).toBe('stopped');
    expect(clock.pending + hanging.clock.pending).toBe(0);
  });

  test('of a lost run waits for its handler, until the deadline', async () => {
    const { driver, runs, consumer, clock } = await stage();
    const a = received('a');
    driver.deliver(a);
    await settle();
    driver.lose(a);
    const stopped = consumer.stop({ deadlineMs: 1000 });
    await clock.advance(500);
    expect(consumer.state).toBe('stopping');
    runs.finish('a');
    await stopped;
    expect(driver.settleCalls).toEqual([]);
  });

  test('while a suspect waits for its turn sends it back', async () => {
    const { driver, runs, consumer } = await stage();
    driver.deliver(received('a'));
    await settle();
    driver.deliver(received('s', { suspect: true }));
    await settle();
    const stopped = consumer.stop();
    await settle();
    expect(driver.outcomes).toEqual(['release s']);
    runs.finish('a');
    await stopped;
    expect(runs.started).toEqual(['a/1']);
  });
});

describe('a start', () => {
  test('that fails for a while is tried again; one that fails for good rejects, and finished with it', async () => {
    let refusals = 3;
    const { consumer, driver, clock } = await stage({
      start: false,
      prepare: (driver) =>
        (driver.onOpen = () => (refusals-- > 0 ? Promise.reject(new ScriptedError('not yet')) : undefined)),
    });
    const started = consumer.start();
    await clock.advance(1000);
    await started;
    expect(driver.opened).toBe(4);
    expect(consumer.state).toBe('running');
    const refused = await stage({
      start: false,
      prepare: (driver) => (driver.onOpen = () => Promise.reject(new ScriptedError('no', { retryable: false }))),
    });
    await expect(refused.consumer.start()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(refused.consumer.finished).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(refused.consumer.state).toBe('failed');
    expect(refused.clock.pending).toBe(0);
  });

  test('gives up after 30 s', async () => {
    const { consumer, clock } = await stage({
      start: false,
      prepare: (driver) => (driver.onOpen = () => Promise.reject(new ScriptedError('not yet'))),
    });
    const started = ending(consumer.start());
    await clock.advance(32_000);
    expect(await started).toMatchObject({ error: { code: 'NOT_CONNECTED' } });
    expect(consumer.state).toBe('failed');
  });

  test('that is stopped closes what it opens, and fetches nothing', async () => {
    const opened = deferred();
    const { consumer, driver, clock } = await stage({
      start: false,
      prepare: (driver) => (driver.onOpen = () => opened.promise),
    });
    const started = ending(consumer.start());
    await settle();
    const stopped = consumer.stop();
    opened.resolve();
    await stopped;
    expect(await started).toMatchObject({ error: { code: 'CLOSED' } });
    expect(driver.receives).toHaveLength(0);
    expect(driver.closed).toBe(1);
    expect(consumer.state).toBe('stopped');
    expect(clock.pending).toBe(0);
  });

  test('that hangs does not hold up a stop, and what it opens later is closed', async () => {
    const opened = deferred();
    const { consumer, driver, clock } = await stage({
      start: false,
      prepare: (driver) => (driver.onOpen = () => opened.promise),
    });
    const started = ending(consumer.start());
    await settle();
    const stopped = consumer.stop({ deadlineMs: 1000 });
    await clock.advance(1000);
    await stopped;
    expect(consumer.state).toBe('stopped');
    opened.resolve();
    await settle();
    expect(await started).toMatchObject({ error: { code: 'CLOSED' } });
    expect(driver.closed).toBe(1);
    expect(driver.receives).toHaveLength(0);
    expect(clock.pending).toBe(0);
  });

  test('that is stopped by whoever hears of it leaves nothing open', async () => {
    const { consumer, driver, clock } = await stage({
      start: false,
      onEvent: (event) => {
        if (event.type === 'consumer-state' && event.state === 'starting') void consumer.stop();
      },
    });
    await expect(consumer.start()).rejects.toMatchObject({ code: 'CLOSED' });
    await consumer.stop();
    expect(driver.opened).toBe(driver.closed);
    expect(driver.receives).toHaveLength(0);
    expect(clock.pending).toBe(0);
  });
});

describe('a fetch that fails', () => {
  test('for a while makes the consumer recover, and what runs is settled meanwhile', async () => {
    const { driver, runs, consumer, client, clock } = await stage();
    driver.deliver(received('a'));
    await settle();
    driver.onReceive = () => Promise.reject(new ScriptedError('cut'));
    driver.endPoll();
    await settle();
    expect(consumer.state).toBe('recovering');
    expect((await client.check()).consumers).toMatchObject([{ state: 'recovering', error: { code: 'NOT_CONNECTED' } }]);
    runs.finish('a');
    await settle();
    expect(driver.outcomes).toEqual(['acknowledge a']);
    await clock.advance(30_000);
    const { length } = driver.receives;
    expect(length).toBeGreaterThan(10);
    expect(length).toBeLessThan(40);
    driver.onReceive = undefined;
    driver.deliver(received('b'));
    await clock.advance(2000);
    expect(consumer.state).toBe('running');
    expect(runs.running).toEqual(['b']);
  });

  test('for good ends the consumer: what runs is settled, finished rejects, and check tells', async () => {
    const { driver, runs, consumer, client, clock } = await stage();
    driver.deliver(received('a'));
    await settle();
    driver.onReceive = () => Promise.reject(new ScriptedError('no', { retryable: false }));
    driver.endPoll();
    await settle();
    expect(consumer.state).toBe('stopping');
    runs.finish('a');
    await expect(consumer.finished).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(driver.outcomes).toEqual(['acknowledge a']);
    expect(consumer.state).toBe('failed');
    expect(await client.check()).toMatchObject({ ok: false, consumers: [{ error: { code: 'ACCESS_DENIED' } }] });
    expect(driver.closed).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test('while the consumer stops is no failure', async () => {
    const fetch = deferred<never>();
    const { driver, consumer } = await stage({ prepare: (driver) => (driver.onReceive = () => fetch.promise) });
    const stopped = consumer.stop();
    fetch.reject(new ScriptedError('no', { retryable: false }));
    await stopped;
    expect(consumer.state).toBe('stopped');
    expect(driver.closed).toBe(1);
  });
});

describe('what ends while a stop waits for the rest', () => {
  test('and is to be retried in its lane goes back at once, when its attempt was recorded', async () => {
    const recorded = deferred();
    const { driver, runs, consumer } = await stage({
      ordered: true,
      prepare: (driver) => (driver.onRecordHeld = () => recorded.promise),
    });
    driver.deliver(keyed('a'), keyed('b', { key: 'l' }));
    await settle();
    const stopped = consumer.stop();
    runs.fail('a');
    await settle();
    expect(driver.settleCalls).toEqual([]);
    recorded.resolve();
    await settle();
    expect(driver.outcomes).toEqual(['release a']);
    runs.finish('b');
    await stopped;
    expect(runs.started).toEqual(['a/1', 'b/1']);
  });

  test('and is the last is recorded before the receiver closes', async () => {
    const recorded = deferred();
    const { driver, runs, consumer } = await stage({
      ordered: true,
      prepare: (driver) => (driver.onRecordHeld = () => recorded.promise),
    });
    driver.deliver(keyed('a'));
    await settle();
    const stopped = consumer.stop();
    runs.fail('a');
    await settle();
    expect(driver.closed).toBe(0);
    recorded.resolve();
    await stopped;
    expect(driver.outcomes).toEqual(['release a']);
    expect(driver.closed).toBe(1);
  });

  test('and was joined to a failed, lost run goes back at once', async () => {
    const { driver, runs, consumer } = await stage({ ordered: true });
    const a = keyed('a');
    driver.deliver(a, keyed('b', { key: 'l' }));
    await settle();
    driver.lose(a);
    driver.deliver(keyed('a', { redelivered: true }));
    await settle();
    const stopped = consumer.stop();
    runs.fail('a');
    await settle();
    expect(driver.outcomes).toEqual(['release a']);
    runs.finish('b');
    await stopped;
    expect(runs.started).toEqual(['a/1', 'b/1']);
  });
});

test('a later stop with a shorter deadline wins', async () => {
  const { driver, runs, clock, consumer, client } = await stage();
  driver.deliver(received('a'));
  await settle();
  const stopped = consumer.stop({ deadlineMs: 60_000 });
  const { signal } = runs.delivery('a');
  void consumer.stop({ deadlineMs: 100 });
  await settle();
  await clock.advance(99);
  expect(signal.aborted).toBe(false);
  await clock.advance(1);
  expect(signal.aborted).toBe(true);
  await stopped;
  expect(driver.outcomes).toEqual(['release a']);
  await client.close();
  expect(clock.pending).toBe(0);
});
