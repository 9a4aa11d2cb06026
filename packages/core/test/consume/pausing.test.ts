import { describe, expect, test } from 'vitest';
import { settle } from './rest.ts';
import { received } from './scripted-driver.ts';
import { stage } from './stage.ts';

const keyed = (id: string, fields: object = {}) => received(id, { key: 'k', ...fields });

describe('a pause', () => {
  test('sends back what has not started and what a fetch under way brings, and fetches nothing', async () => {
    const { driver, runs, consumer, clock } = await stage({}, { concurrency: 1 });
    driver.overshoots = true;
    driver.onAbort.push(received('c'));
    driver.deliver(received('a'), received('b'));
    await settle();
    consumer.pause();
    await settle();
    const { length } = driver.receives;
    driver.deliver(received('d'));
    runs.finish('a');
    await clock.advance(60_000);
    expect(driver.outcomes).toEqual(['release b', 'acknowledge a']);
    expect(driver.receives).toHaveLength(length);
    expect(runs.started).toEqual(['a/1']);
    consumer.resume();
    await settle();
    expect(runs.started).toEqual(['a/1', 'd/1']);
  });

  test('of a pending fetch sends back what that still brings', async () => {
    const { driver, runs, consumer } = await stage();
    driver.onAbort.push(received('a'));
    consumer.pause();
    await settle();
    expect(driver.outcomes).toEqual(['release a']);
    expect(runs.started).toEqual([]);
  });

  test('twice, and a resume that was not asked for, do nothing', async () => {
    const { driver, runs, consumer } = await stage();
    consumer.resume();
    consumer.pause();
    consumer.pause();
    consumer.resume();
    consumer.resume();
    driver.deliver(received('a'));
    await settle();
    expect(runs.running).toEqual(['a']);
  });

  test('before the start holds from the start', async () => {
    const { driver, runs, consumer } = await stage({ start: false });
    consumer.pause();
    await consumer.start();
    driver.deliver(received('a'));
    await settle();
    expect(driver.receives).toHaveLength(0);
    consumer.resume();
    await settle();
    expect(runs.running).toEqual(['a']);
  });

  test('gives back a delayed message that becomes due meanwhile, for others', async () => {
    const { driver, runs, consumer, clock } = await stage();
    driver.deliver(received('a', { dueAt: clock.now() + 20 }));
    await settle();
    consumer.pause();
    await settle();
    expect(driver.outcomes).toEqual([]);
    await clock.advance(20);
    expect(driver.outcomes).toEqual(['release a']);
    expect(runs.started).toEqual([]);
  });

  test('gives back a message that waits to be run alone, for others', async () => {
    const { driver, runs, consumer } = await stage();
    driver.deliver(received('a'));
    await settle();
    driver.deliver(received('s', { suspect: true }));
    await settle();
    consumer.pause();
    await settle();
    expect(driver.outcomes).toEqual(['release s']);
    consumer.resume();
    runs.finish('a');
    driver.deliver(received('s', { suspect: true }));
    await settle();
    expect(runs.started).toEqual(['a/1', 's/1']);
  });

  test('keeps what is held, starts it only after the resume, and in its order', async () => {
    const { driver, runs, consumer, clock } = await stage({ ordered: true });
    driver.deliver(keyed('a'), keyed('b'));
    await settle();
    runs.fail('a');
    await settle();
    consumer.pause();
    await clock.advance(5000);
    expect(runs.started).toEqual(['a/1']);
    expect(driver.outcomes).toEqual(['release b']);
    consumer.resume();
    await settle();
    driver.deliver(keyed('b'));
    await settle();
    expect(runs.started).toEqual(['a/1', 'a/2']);
    runs.finish('a');
    await settle();
    expect(runs.started).toEqual(['a/1', 'a/2', 'b/1']);
  });

  test('from inside a handler, or by whoever hears of an event, is heard', async () => {
    const handled: unknown[] = [];
    const made = await stage({
      handler: (body) => {
        handled.push(body);
        made.consumer.pause();
      },
    });
    made.driver.overshoots = true;
    made.driver.deliver(received('a'), received('b'));
    await settle();
    expect(handled).toEqual(['a']);
    expect(made.driver.outcomes.toSorted()).toEqual(['acknowledge a', 'release b']);
  });

  test('and a resume while the fetch under way is still out let nothing overtake', async () => {
    const { driver, runs, consumer } = await stage({ ordered: true });
    driver.deliver(keyed('a'), keyed('b'));
    await settle();
    driver.onAbort.push(keyed('c'));
    consumer.pause();
    consumer.resume();
    runs.finish('a');
    await settle();
    expect(driver.outcomes).toEqual(['release b', 'acknowledge a', 'release c']);
    expect(runs.started).toEqual(['a/1']);
  });
});
