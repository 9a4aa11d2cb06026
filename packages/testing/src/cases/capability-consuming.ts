import assert from 'node:assert/strict';
import type { Queue } from '@anymq/core';
import type { Driver } from '@anymq/core/driver';
import { assertInOrder } from '../assertions.ts';
import type { CaseContext, Job } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, fails, jobs, ordered } from '../ingredients.ts';
import type { Member } from '../member.ts';
import { there } from '../without.ts';
import { wrapDriver } from '../wrap-driver.ts';

/** Reads from `orders`, and for each one writes an invoice inside the transaction. */
async function invoicing(
  context: CaseContext,
  member: Member,
  [orders, invoices]: readonly [Queue<Job>, Queue<Job>],
  afterSend: (attempt: number) => Promise<void> | void = () => undefined,
): Promise<void> {
  context.use(invoices);
  await context.consume(
    member,
    orders,
    { transaction: true, retry: attempts(3), leaseMs: 1000 },
    async ({ body, attempt }, delivery) => {
      const { n } = body as Job;
      delivery.send?.(invoices, { n }, { id: `invoice-${n}` });
      await afterSend(attempt);
    },
  );
}

async function invoicesOf(context: CaseContext, invoices: Queue<Job>, count: number): Promise<readonly string[]> {
  const reader = await context.connect();
  const seen: string[] = [];
  const consumer = reader.client.consumer(invoices, {}, (_body, { message }) => {
    seen.push(message.id);
    context.log.wake();
  });
  await consumer.start();
  await context.until(`${count} invoices were read`, () => seen.length >= count, 30_000);
  await context.emptied(reader, invoices);
  await consumer.stop();
  return seen.toSorted();
}

const transactions: readonly ConformanceCase[] = casesOf('transactions', [
  {
    name: 'what a handler writes becomes visible with its acknowledgement, once',
    needs: ['transactions'],
    async run(context) {
      const member = await context.connect();
      const queues = [context.queue('orders'), context.queue('invoices')] as const;
      await member.client.provision(queues);
      await context.sendJobs(member, queues[0], jobs(10));
      await invoicing(context, member, queues);
      await context.untilHandled(10);
      assert.deepEqual(
        await invoicesOf(context, queues[1], 10),
        jobs(10)
          .map(({ n }) => `invoice-${n}`)
          .toSorted(),
      );
    },
  },
  {
    name: 'what a failed attempt wrote is never visible',
    needs: ['transactions'],
    async run(context) {
      const member = await context.connect();
      const queues = [context.queue('orders'), context.queue('invoices')] as const;
      await member.client.provision(queues);
      await context.sendJobs(member, queues[0], jobs(5));
      await invoicing(context, member, queues, (attempt) => {
        if (attempt < 3) throw new Error('fails after writing');
      });
      await context.untilHandled(5);
      assert.deepEqual(
        await invoicesOf(context, queues[1], 5),
        jobs(5).map(({ n }) => `invoice-${n}`),
      );
    },
  },
  {
    name: 'a crash in the middle leaves nothing visible; the next process does it, once',
    needs: ['transactions'],
    async run(context) {
      const [first, second] = [await context.connect(), await context.connect()];
      const queues = [context.queue('orders'), context.queue('invoices')] as const;
      await first.client.provision(queues);
      await context.sendJobs(first, queues[0], jobs(1));
      const written = context.gate();
      await invoicing(context, first, queues, async () => {
        written.open();
        await first.buried.opened;
      });
      await written.opened;
      await context.crash(first);
      await invoicing(context, second, queues);
      await context.untilHandled(1, 30_000);
      assert.deepEqual(await invoicesOf(context, queues[1], 1), ['invoice-1']);
    },
  },
  {
    name: 'a crash between the writes and the commit leaves nothing visible; the next process does it, once',
    needs: ['transactions'],
    async run(context) {
      const queues = [context.queue('orders'), context.queue('invoices')] as const;
      const died = context.gate();
      const first = await context.connect({
        wrap: (driver) =>
          dyingAtCommit(driver, async () => {
            await context.crash(first);
            died.open();
          }),
      });
      const second = await context.connect();
      await first.client.provision(queues);
      await context.sendJobs(first, queues[0], jobs(1));
      await invoicing(context, first, queues);
      await died.opened;
      await invoicing(context, second, queues);
      await context.until(
        'the second process handled it',
        () => context.runs.some(({ member, result }) => member === second.name && result === 'returned'),
        30_000,
      );
      assert.deepEqual(await invoicesOf(context, queues[1], 1), ['invoice-1']);
    },
  },
]);

/** Its process dies when everything of a transaction has been sent, and nothing is committed. */
function dyingAtCommit(driver: Driver, die: () => Promise<void>): Driver {
  return wrapDriver(driver, {
    receiver(inner) {
      if (inner.beginTransaction === undefined) return {};
      return {
        async beginTransaction(tokens) {
          const transaction = await there(inner.beginTransaction?.(tokens));
          return {
            send: (to, messages) => transaction.send(to, messages),
            async commit() {
              await die();
              throw new Error('the process is dead');
            },
            abort: () => transaction.abort(),
          };
        },
      };
    },
  });
}

const scaleOut: readonly ConformanceCase[] = casesOf('orderedScaleOut', [
  {
    name: 'two members share the partitions of an ordered destination, and both work',
    needs: ['orderedScaleOut'],
    async run(context) {
      const queue = context.queue('jobs', { ...ordered, partitions: 8 });
      const [first, second] = [await context.connect(), await context.connect()];
      await context.consume(first, queue, { concurrency: 16 });
      await context.consume(second, queue, { concurrency: 16 });
      const by = ({ name }: Member): number => context.runs.filter(({ member }) => member === name).length;
      const producer = context.producer(first, queue);
      // How long a broker takes to share them is its own matter: send until both have worked.
      for (let n = 1; by(first) === 0 || by(second) === 0; n++) {
        assert.ok(n <= 200, `after ${n} rounds the members had handled ${by(first)} and ${by(second)}`);
        const round = Array.from({ length: 16 }, (_, key) => ({ n, key: `key-${key}` }));
        await producer.sendMany(round, (job) => ({ id: `${job.key}-${job.n}` }));
        await context.until('the round was handled', () => context.handled().size === n * 16, 30_000);
      }
      assertInOrder(context.runs);
    },
  },
]);

const redrives: readonly ConformanceCase[] = casesOf('nativeRedrive', [
  {
    name: 'a redrive of everything, by the broker itself where that is declared, restores attempt 1 and every message',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      let broken = true;
      await context.sendJobs(member, queue, jobs(10));
      await context.consume(member, queue, { retry: attempts(2) }, (run) =>
        broken ? fails(run, run.delivery) : undefined,
      );
      await context.untilLetters(member, queue, 10);
      broken = false;
      assert.equal((await member.client.deadLetters(queue).redrive()).redriven, 10);
      await context.untilHandled(10);
      assert.ok(context.runs.slice(20).every(({ attempt }) => attempt === 1));
    },
  },
]);

export const consumingCapabilities: readonly ConformanceCase[] = [...transactions, ...scaleOut, ...redrives];
