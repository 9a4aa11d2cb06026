import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Client, type ClientEvent, createClient } from '@anymq/core';
import { createKafkaDriver } from '@anymq/kafka';
import { sharedBroker } from '@anymq/testing/brokers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type InvoicingPlan, invoices, orders } from './support/invoicing-member.ts';
import { rawClient } from './support/raw-client.ts';

const broker = sharedBroker('kafka')?.url.replace(/^kafka:\/\//, '') ?? '';
const program = fileURLToPath(new URL('support/invoicing-member.ts', import.meta.url));
let namespaces = 0;

describe.runIf(broker !== '')('transactions', { timeout: 120_000 }, () => {
  let plan: InvoicingPlan;
  let client: Client;
  const events: ClientEvent[] = [];
  const members: Member[] = [];

  beforeEach(async () => {
    plan = { broker, namespace: `t${Date.now().toString(36)}-${++namespaces}` };
    events.length = 0;
    const driver = await createKafkaDriver({ brokers: [broker], namespace: plan.namespace });
    client = await createClient(driver, { onEvent: (event) => events.push(event) });
    await client.provision([orders, invoices]);
  });
  afterEach(async () => {
    for (const member of members.splice(0)) await member.kill();
    await client.remove([orders, invoices]);
    await client.close();
  });

  async function send(total: number): Promise<void> {
    const results = await client.producer(orders).sendMany(Array.from({ length: total }, (_, n) => ({ n })));
    expect(results.every(({ ok }) => ok)).toBe(true);
  }

  /** Everything that a reader is given until the broker has no more. */
  async function readInvoices(total: number): Promise<readonly string[]> {
    const seen: string[] = [];
    const { promise: isFull, resolve } = Promise.withResolvers<void>();
    const consumer = client.consumer(invoices, {}, (_body, { message }) => {
      if (seen.push(message.id) >= total) resolve();
    });
    await consumer.start();
    await isFull;
    await expect.poll(async () => (await client.inspect(invoices)).backlog.value, { timeout: 20_000 }).toBe(0);
    await consumer.stop();
    return seen.toSorted();
  }

  test('processes are killed in the middle of their transactions, again and again: every invoice is there once', async () => {
    const total = 400;
    await send(total);
    const began = new Set<number>();
    for (let life = 1; life <= 3; life++) {
      const member = invoicingMember(plan, began);
      members.push(member);
      await member.until(() => began.size >= life * 80);
      // What it has begun is in every stage between its handler and the end of its transaction.
      await member.kill();
    }
    const last = invoicingMember(plan, began);
    members.push(last);
    const seen = await readInvoices(total);
    await last.stop();
    expect(seen).toEqual(Array.from({ length: total }, (_, n) => `invoice-${n}`).toSorted());
    const { backlog, delayed } = await client.inspect(orders);
    expect([backlog.value, delayed.value]).toEqual([0, 0]);
  });

  test('an owner that was fenced commits nothing, and its message is handled by whoever goes on', async () => {
    await send(1);
    const fencing: Promise<void>[] = [];
    const receiver = client.consumer(orders, { transaction: true }, async ({ n }, delivery) => {
      delivery.send?.(invoices, { n }, { id: `invoice-${n}-${fencing.length}` });
      if (fencing.length === 0) {
        fencing.push(fence(`${plan.namespace}_orders-0`), fence(`${plan.namespace}_orders-1`));
        await Promise.all(fencing);
      }
    });
    await receiver.start();
    expect(await readInvoices(1)).toEqual(['invoice-0-2']);
    await receiver.stop();
    expect(events.filter(({ type }) => type === 'lost')).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'retry')).toEqual([]);
  });

  test('a commit after somebody else has begun rejects with FENCED, and its delivery is lost', async () => {
    await send(1);
    const driver = await createKafkaDriver({ brokers: [broker], namespace: plan.namespace });
    const lost: unknown[] = [];
    const from = { kind: 'queue', name: 'orders', ordering: 'none', partitions: 2 } as const;
    const limits = { maxInFlight: 1, maxBytes: 1e6, leaseMs: 6000, ordered: false, transactional: true };
    const receiver = await driver.openReceiver(from, { ...limits, onLost: (tokens) => lost.push(...tokens) });
    const { signal } = new AbortController();
    const [message] = await receiver.receive({ signal, maxMessages: 1, maxBytes: 1e6 });
    const token = message?.token ?? {};
    const transaction = await receiver.beginTransaction?.([token]);
    await Promise.all([0, 1].map((partition) => fence(`${plan.namespace}_orders-${partition}`)));
    const error: unknown = await transaction?.commit().catch((failure: unknown) => failure);
    expect(driver.classifyError(error)).toMatchObject({ code: 'FENCED', retryable: false });
    expect(lost).toEqual([token]);
    expect(await receiver.settleBatch([{ token, outcome: { kind: 'acknowledge' } }])).toEqual([
      { ok: false, reason: 'lost' },
    ]);
    await driver.close();
  });
});

interface Member {
  until(condition: () => boolean): Promise<void>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

function invoicingMember(plan: InvoicingPlan, began: Set<number>): Member {
  const child: ChildProcess = fork(program, [JSON.stringify(plan)], {
    execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let onBegan = (): void => undefined;
  child.on('message', (message: { readonly began: number }) => {
    began.add(message.began);
    onBegan();
  });
  return {
    async until(condition) {
      const { promise, resolve } = Promise.withResolvers<void>();
      onBegan = () => condition() && resolve();
      onBegan();
      await promise;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async stop() {
      child.send('stop');
      await ended;
    },
  };
}

/** Somebody else begins under the same transactional id. */
async function fence(transactionalId: string): Promise<void> {
  const producer = rawClient(broker).producer({
    transactionalId,
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  await (await producer.transaction()).abort();
  await producer.disconnect();
}
