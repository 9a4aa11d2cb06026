import { describe, expect, test } from 'vitest';
import { defineQueue } from '../../src/destination.ts';
import type { Delivery } from '../../src/consume-types.ts';
import type { DriverTransaction } from '../../src/driver-interface.ts';
import { retryLater, type Outcome } from '../../src/outcome.ts';
import { deferred, settle } from './rest.ts';
import { received, ScriptedError } from './scripted-driver.ts';
import { stage, type Scene, type Stage } from './stage.ts';

const out = defineQueue<unknown, unknown>('out');
const picky = defineQueue<unknown, unknown>('picky', {
  schema: { '~standard': { version: 1, vendor: 'test', validate: async () => ({ issues: [{ message: 'no' }] }) } },
});

/** What transactions did: 'begin', 'send id', 'commit', 'abort'. */
async function transacting(
  handler: (delivery: Delivery) => Promise<void | Outcome>,
  fails: Partial<Record<'begin' | 'send' | 'commit' | 'abort', Error>> = {},
  scene: Scene = {},
): Promise<Stage & { readonly log: string[] }> {
  const log: string[] = [];
  const step = async (name: 'begin' | 'send' | 'commit' | 'abort', detail = ''): Promise<void> => {
    log.push(`${name}${detail}`);
    if (fails[name] !== undefined) throw fails[name];
  };
  const begin = async (): Promise<DriverTransaction> => {
    await step('begin');
    return {
      send: (_to, messages) => step('send', ` ${messages.map(({ id }) => id).join()}`),
      commit: () => step('commit'),
      abort: () => step('abort'),
    };
  };
  const made = await stage(
    { ...scene, handler: (_body, delivery) => handler(delivery), prepare: (driver) => (driver.onTransaction = begin) },
    { transaction: true },
  );
  return { ...made, log };
}

describe('a transaction', () => {
  test('commits what was sent together with the acknowledgement, and its lane goes on', async () => {
    const { driver, log, consumer } = await transacting(
      async (delivery) => delivery.send?.(out, 1, { id: `of ${delivery.message.id}` }),
      {},
      { ordered: true },
    );
    driver.deliver(received('a', { key: 'k' }), received('b', { key: 'k' }));
    await settle();
    expect(log).toEqual(['begin', 'send of a', 'commit', 'begin', 'send of b', 'commit']);
    expect(driver.settleCalls).toEqual([]);
    await consumer.stop();
    expect(driver.settleCalls).toEqual([]);
  });

  test('is not begun when the handler throws, or asks for another attempt', async () => {
    const { driver, log } = await transacting(async (delivery) => {
      delivery.send?.(out, 1);
      if (delivery.message.id === 'a') throw new Error('no');
      return retryLater(10);
    });
    driver.deliver(received('a'), received('b'));
    await settle();
    expect(log).toEqual([]);
    expect(driver.outcomes).toEqual(['retry a', 'retry b']);
  });

  test.each(['begin', 'send', 'commit'] as const)('of which %s fails is retried with that reason', async (where) => {
    const { driver } = await transacting(async (delivery) => delivery.send?.(out, 1), {
      [where]: new ScriptedError('no', { retryable: false }),
      abort: new ScriptedError('and this too'),
    });
    driver.deliver(received('a'));
    await settle();
    expect(driver.settled).toMatchObject([{ outcome: { kind: 'retry', failure: { code: 'ACCESS_DENIED' } } }]);
  });

  test('of a delivery that was lost is not begun', async () => {
    const ended = deferred();
    const { driver, log } = await transacting(() => ended.promise);
    const a = received('a');
    driver.deliver(a);
    await settle();
    driver.lose(a);
    ended.resolve();
    await settle();
    expect(log).toEqual([]);
    expect(driver.settleCalls).toEqual([]);
  });

  test('of a message that went back at the deadline of a stop is not begun', async () => {
    const ended = deferred();
    const { driver, log, consumer, clock } = await transacting(() => ended.promise);
    driver.deliver(received('a'));
    await settle();
    const stopped = consumer.stop({ deadlineMs: 10 });
    await clock.advance(10);
    await stopped;
    ended.resolve();
    await settle();
    expect(log).toEqual([]);
    expect(driver.outcomes).toEqual(['release a']);
  });

  test('acknowledges a delivery that was joined meanwhile', async () => {
    const ended = deferred();
    const { driver, log } = await transacting(() => ended.promise);
    const a2 = received('a', { redelivered: true });
    driver.deliver(received('a'));
    await settle();
    driver.deliver(a2);
    await settle();
    ended.resolve();
    await settle();
    expect(log).toEqual(['begin', 'commit']);
    expect(driver.settled).toMatchObject([{ outcome: { kind: 'acknowledge' } }]);
    expect(driver.settled[0]?.token).toBe(a2.token);
  });

  test('with an invalid message to send fails the run, and nothing else', async () => {
    const ended = deferred();
    const { driver, log } = await transacting(async (delivery) => {
      delivery.send?.(picky, 1);
      await ended.promise;
    });
    driver.deliver(received('a'));
    await settle();
    ended.resolve();
    await settle();
    expect(log).toEqual([]);
    expect(driver.settled).toMatchObject([{ outcome: { kind: 'retry', failure: { code: 'INVALID_MESSAGE' } } }]);
  });

  test('refuses what is sent after the handler has returned', async () => {
    let late: (() => void) | undefined;
    const { driver } = await transacting(async (delivery) => {
      late = () => delivery.send?.(out, 1);
    });
    driver.deliver(received('a'));
    await settle();
    expect(late).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  });
});

test('a transaction that fails for a passing reason is not charged to its message; another one is', async () => {
  for (const [retryable, attempt] of [
    [true, 1],
    [false, 2],
  ] as const) {
    const { driver } = await transacting(async () => undefined, { commit: new ScriptedError('no', { retryable }) });
    driver.deliver(received('a'));
    await settle();
    expect(driver.settled[0]?.outcome).toMatchObject({ kind: 'retry', attempt });
  }
});
