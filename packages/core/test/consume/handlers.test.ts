import { describe, expect, test } from 'vitest';
import type { Handler } from '../../src/consume-types.ts';
import type { Logger } from '../../src/logger.ts';
import type { StandardSchemaV1 } from '../../src/schema.ts';
import { release } from '../../src/outcome.ts';
import { deferred, settle } from './rest.ts';
import { received } from './scripted-driver.ts';
import { stage } from './stage.ts';

const thenable = (then: unknown): Promise<void> =>
  // oxlint-disable-next-line unicorn/no-thenable -- users return them
  Object.defineProperty({}, 'then', then as object) as Promise<void>;
const throws = () => {
  throw new Error('thrown by a trap');
};

async function outcomesOf(handler: (body: unknown) => unknown, retry?: () => number): Promise<string[]> {
  const { driver, consumer, runs } = await stage(
    { handler: handler as Handler<unknown> },
    retry === undefined ? {} : { retry },
  );
  driver.deliver(received('a'));
  await settle();
  driver.deliver(received('b'));
  await settle();
  await consumer.stop();
  expect(runs.running).toEqual([]);
  return driver.outcomes;
}

describe('whatever a handler does, its message is settled and the next one runs', () => {
  test.each<[string, (body: unknown) => unknown]>([
    ['throws', () => throws()],
    ['rejects with undefined', () => Promise.reject(undefined)],
    ['rejects with null', () => Promise.reject(null)],
    ['rejects with a symbol', () => Promise.reject(Symbol('odd'))],
    ['rejects with an error that cannot be read', () => Promise.reject(new Proxy(new Error('odd'), { get: throws }))],
    [
      'returns a thenable that rejects',
      () => thenable({ value: (_: unknown, reject: (error: unknown) => void) => reject(new Error('no')) }),
    ],
    ['returns a thenable of which then throws', () => thenable({ value: throws })],
    ['returns a thenable of which then cannot be read', () => thenable({ get: throws })],
  ])('%s', async (_, handler) => {
    expect(await outcomesOf(handler)).toEqual(['retry a', 'retry b']);
  });

  test.each<[string, (body: unknown) => unknown]>([
    ['returns a thenable that resolves', () => thenable({ value: (resolve: () => void) => resolve() })],
    ['returns something else', () => 42],
    ['returns null', () => null],
    [
      'returns a value that cannot be read',
      async () => new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : throws()) }),
    ],
  ])('%s', async (_, handler) => {
    expect(await outcomesOf(handler)).toEqual(['acknowledge a', 'acknowledge b']);
  });

  test.each<[string, () => number]>([
    ['throws', throws],
    ['returns NaN', () => NaN],
    ['returns a negative delay', () => -1],
    ['returns nothing', () => undefined as unknown as number],
  ])('and dead-letters when the retry policy %s', async (_, retry) => {
    expect(await outcomesOf(throws, retry)).toEqual(['deadLetter a', 'deadLetter b']);
  });
});

describe('never more than concurrency at once', () => {
  test('with thenables that call back twice', async () => {
    let running = 0;
    let most = 0;
    const handler: Handler<unknown> = () =>
      thenable({
        value: (resolve: () => void, reject: (error: unknown) => void) => {
          running += 1;
          most = Math.max(most, running);
          setImmediate(() => {
            running -= 1;
            resolve();
            reject(new Error('again'));
            resolve();
          });
        },
      });
    const { driver } = await stage({ handler }, { concurrency: 2 });
    driver.deliver(...Array.from({ length: 50 }, (_, index) => received(`m${index}`)));
    for (let turn = 0; turn < 60; turn += 1) await settle();
    expect(driver.outcomes).toHaveLength(50);
    expect(most).toBe(2);
  });

  test('with handlers that return at once, and in the same turn', async () => {
    const { driver } = await stage(
      { handler: (body) => (body === 'm3' ? Promise.resolve() : undefined) },
      { concurrency: 2 },
    );
    driver.deliver(...Array.from({ length: 50 }, (_, index) => received(`m${index}`)));
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(driver.outcomes).toHaveLength(50);
  });
});

describe('a body that cannot be used', () => {
  const schema = (validate: StandardSchemaV1['~standard']['validate']): StandardSchemaV1 => ({
    '~standard': { version: 1, vendor: 'test', validate },
  });

  test('is dead-lettered without a run, and what follows it in its lane goes on', async () => {
    const { driver, runs } = await stage({ ordered: true });
    driver.deliver(received('a', { key: 'k', body: new Uint8Array([0x7b]) }), received('b', { key: 'k' }));
    await settle();
    expect(driver.settled).toMatchObject([
      { id: 'a', outcome: { kind: 'deadLetter', failure: { code: 'DECODE_FAILED' } } },
    ]);
    expect(runs.running).toEqual(['b']);
  });

  test.each<[string, StandardSchemaV1['~standard']['validate']]>([
    ['throws', throws],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['finds issues later', async () => ({ issues: [{ message: 'no' }] })],
  ])('is dead-lettered when its schema %s', async (_, validate) => {
    const { driver, runs } = await stage({ definition: { schema: schema(validate) } });
    driver.deliver(received('a'));
    await settle();
    expect(driver.outcomes).toEqual(['deadLetter a']);
    expect(runs.started).toEqual([]);
  });

  const validating = async () => {
    const validated = deferred();
    const made = await stage({
      definition: { schema: schema(async (value) => (await validated.promise, { value })) },
    });
    const a = received('a');
    made.driver.deliver(a);
    await settle();
    return { ...made, a, validated };
  };

  test('and is lost while it is validated is not run', async () => {
    const { driver, runs, a, validated } = await validating();
    driver.lose(a);
    validated.resolve();
    await settle();
    expect(runs.started).toEqual([]);
    expect(driver.settleCalls).toEqual([]);
  });

  test('and is invalid after the deadline of a stop is not settled twice', async () => {
    const { driver, consumer, validated, clock } = await validating();
    const stopped = consumer.stop({ deadlineMs: 10 });
    driver.onSettle = () => Promise.reject(new Error('cut'));
    await clock.advance(10);
    validated.reject(new Error('no'));
    await settle();
    driver.onSettle = undefined;
    await clock.advance(5000);
    await stopped;
    expect(driver.outcomes).toEqual(['release a']);
  });

  test('dead-letters a redelivery that was joined to it', async () => {
    const { driver, runs, consumer, validated } = await validating();
    const a2 = received('a', { redelivered: true });
    driver.deliver(a2);
    await settle();
    validated.reject(new Error('no'));
    await settle();
    expect(runs.started).toEqual([]);
    expect(driver.settled).toMatchObject([{ outcome: { kind: 'deadLetter' } }]);
    expect(driver.settled[0]?.token).toBe(a2.token);
    await consumer.stop();
  });
});

describe('what the user brings and throws', () => {
  const failingLogger: Logger = { debug: throws, info: throws, warn: throws, error: throws };

  test('a listener and a logger cannot break a consumer', async () => {
    const { driver, runs, consumer, clock } = await stage({ onEvent: throws, logger: failingLogger });
    driver.deliver(received('a'), received('s', { suspect: true }));
    await settle();
    driver.onSettle = () => Promise.reject(new Error('cut'));
    runs.fail('a');
    await settle();
    driver.onSettle = undefined;
    await clock.advance(100);
    runs.finish('s');
    await settle();
    expect(driver.outcomes).toEqual(['retry a', 'acknowledge s']);
    await consumer.stop();
    expect(consumer.state).toBe('stopped');
  });
});

test('a release for longer than the driver can delay goes by hops, uncharged', async () => {
  const { driver, runs, clock } = await stage({ limits: { delay: { maxMs: 1000, resolutionMs: 1 } } });
  driver.deliver(received('a'), received('b'));
  await settle();
  runs.finish('a', release({ delayMs: 1000 }));
  runs.finish('b', release({ delayMs: 1001 }));
  await settle();
  expect(driver.settled.map(({ outcome }) => outcome)).toEqual([
    { kind: 'release', delayMs: 1000 },
    { kind: 'retry', dueAt: clock.now() + 1001, attempt: 1, failure: undefined },
  ]);
});
