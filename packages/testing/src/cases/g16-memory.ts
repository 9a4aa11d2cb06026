import assert from 'node:assert/strict';
import type { Driver, ReceiverOptions, Token } from '@anymq/core/driver';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, jobs, ordered, raw } from '../ingredients.ts';
import { wrapDriver } from '../wrap-driver.ts';

/** What core held of a driver's deliveries. */
interface Held {
  options: ReceiverOptions | undefined;
  messages: number;
  mostMessages: number;
  mostBytes: number;
  /** Most that a `receive` returned beyond what was asked for. */
  excess: number;
}

function observe(driver: Driver, held: Held): Driver {
  return wrapDriver(driver, {
    receiver: (inner, options) => {
      held.options = options;
      const open = new Map<Token, number>();
      let bytes = 0;
      return {
        async receive(request) {
          const received = await inner.receive(request);
          held.excess = Math.max(held.excess, received.length - request.maxMessages);
          for (const { token, body } of received) {
            open.set(token, body.byteLength);
            bytes += body.byteLength;
          }
          held.messages = open.size;
          held.mostMessages = Math.max(held.mostMessages, open.size);
          held.mostBytes = Math.max(held.mostBytes, bytes);
          return received;
        },
        async settleBatch(items) {
          const results = await inner.settleBatch(items);
          for (const { token } of items) {
            bytes -= open.get(token) ?? 0;
            open.delete(token);
          }
          held.messages = open.size;
          return results;
        },
      };
    },
  });
}

function newHeld(): Held {
  return { options: undefined, messages: 0, mostMessages: 0, mostBytes: 0, excess: 0 };
}

/** The driver was told a bound that does not depend on the backlog, and core kept to it. */
function assertBounded(held: Held, concurrency: number): void {
  const { options = assert.fail('no receiver was opened') } = held;
  assert.ok(
    options.maxInFlight <= Math.max(1100, concurrency * 20),
    `maxInFlight ${options.maxInFlight} for a concurrency of ${concurrency}`,
  );
  assert.ok(
    held.mostMessages <= options.maxInFlight,
    `${held.mostMessages} messages held, more than maxInFlight ${options.maxInFlight}`,
  );
  assert.ok(held.excess <= 0, `a receive returned ${held.excess} more than maxMessages`);
}

export const boundedMemory: readonly ConformanceCase[] = casesOf('G16', [
  {
    name: 'a slow handler before a long backlog: what is held does not grow with the backlog',
    async run(context) {
      const held = newHeld();
      const member = await context.connect({ wrap: (driver) => observe(driver, held) });
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(3000));
      const slow = context.gate();
      await context.consume(member, queue, { concurrency: 2 }, () => slow.opened);
      await context.until('both slots are taken', () => context.runs.length === 2);
      const { inFlight, backlog } = await (await context.connect()).client.inspect(queue);
      assertBounded(held, 2);
      assert.ok(held.mostMessages <= 200, `${held.mostMessages} messages held for 2 handlers`);
      if (inFlight.exact && inFlight.value !== null) assert.ok(inFlight.value <= (held.options?.maxInFlight ?? 0));
      if (backlog.exact && backlog.value !== null) assert.ok(backlog.value >= 3000 - (held.options?.maxInFlight ?? 0));
      slow.open();
      await context.untilHandled(3000, 60_000);
      assertBounded(held, 2);
    },
  },
  {
    name: 'a consumer of large bodies holds them within maxBytes',
    async run(context) {
      const held = newHeld();
      const member = await context.connect({ wrap: (driver) => observe(driver, held) });
      const queue = context.queue('large', raw);
      const body = new Uint8Array(100_000);
      await context.producer(member, queue).sendMany(Array.from({ length: 400 }, () => body));
      await context.consume(member, queue, { concurrency: 50 });
      await context.untilHandled(400, 60_000);
      const { options = assert.fail('no receiver was opened') } = held;
      // One message may always be taken, however large.
      assert.ok(
        held.mostBytes <= options.maxBytes + body.byteLength,
        `${held.mostBytes} bytes held, maxBytes is ${options.maxBytes}`,
      );
    },
  },
  { name: 'an ordered consumer whose lanes wait holds no more than it says', run: orderedLanes },
  {
    name: 'a paused consumer does not collect the backlog',
    async run(context) {
      const held = newHeld();
      const member = await context.connect({ wrap: (driver) => observe(driver, held) });
      const queue = context.queue('jobs');
      const consumer = await context.consume(member, queue, { concurrency: 2 });
      consumer.pause();
      await context.sendJobs(member, queue, jobs(2500));
      consumer.resume();
      await context.untilHandled(2500, 60_000);
      assertBounded(held, 2);
    },
  },
]);

async function orderedLanes(context: CaseContext): Promise<void> {
  const held = newHeld();
  const member = await context.connect({ wrap: (driver) => observe(driver, held) });
  const queue = context.queue('jobs', { ...ordered, partitions: 1 });
  // Where a batch is not atomic it holds one message of a key: with two keys these are 500 calls.
  const producer = context.producer(member, queue, { timeoutMs: context.within(60_000) });
  const results = await producer.sendMany(
    jobs(1000, (n) => ({ key: n % 2 === 0 ? 'a' : 'b' })),
    ({ n }) => ({ id: String(n) }),
  );
  assert.ok(results.every(({ ok }) => ok));
  await context.consume(member, queue, { concurrency: 2, maxHeld: 50, retry: attempts(3, 500) }, ({ id, attempt }) => {
    if (id === '1' && attempt === 1) throw new Error('fails');
  });
  await context.untilHandled(1000, 60_000);
  assertBounded(held, 2);
}
