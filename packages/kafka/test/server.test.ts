import { createClient, defineQueue, type Client } from '@anymq/core';
import { createKafkaDriver } from '@anymq/kafka';
import { sharedBroker } from '@anymq/testing/brokers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MemberPlan } from './support/member.ts';
import { Members, type SeenRun } from './support/members.ts';

const broker = sharedBroker('kafka')?.url.replace(/^kafka:\/\//, '') ?? '';
let namespaces = 0;

interface Work {
  readonly n: number;
  readonly key: string;
}

describe.runIf(broker !== '')('members in processes of their own', { timeout: 240_000 }, () => {
  let client: Client;
  let members: Members;
  let plan: MemberPlan;

  beforeEach(async () => {
    const namespace = `k${Date.now().toString(36)}-${++namespaces}`;
    client = await createClient(await createKafkaDriver({ brokers: [broker], namespace }));
    members = new Members();
    plan = { broker, namespace, ordered: false, partitions: 4, concurrency: 16, leaseMs: 6000, handlerMs: 0 };
  });
  afterEach(async () => {
    members.killAll();
    await client.remove([queueOf(plan)]);
    await client.close();
  });

  test('two join and one is killed while 20,000 messages of 200 keys flow: nothing lost, no key out of order', async () => {
    const total = 20_000;
    plan = { ...plan, ordered: true, partitions: 8, handlerMs: 1, concurrency: 64 };
    await client.provision([queueOf(plan)]);
    const runsOfB = () => members.runs.filter(({ member }) => member === 'B').length;
    let sent = 0;
    // Never far ahead of the handlers: what is to happen while messages flow must not come after them.
    const sendUpTo = async (most: number, isEnough = () => false): Promise<void> => {
      for (; sent < most && !isEnough(); sent += 250) {
        await send(client, plan, { from: sent + 1, to: sent + 250, keys: 200 });
        await members.until(() => members.runs.length >= sent - 1000);
      }
    };
    await Promise.all([members.start('A', plan), sendUpTo(1000)]);
    await sendUpTo(3000);
    await Promise.all([members.start('B', plan), sendUpTo(6000)]);
    await Promise.all([members.start('C', plan), sendUpTo(9000)]);
    await sendUpTo(total - 2000, () => runsOfB() >= 500);
    expect(runsOfB()).toBeGreaterThanOrEqual(500);
    const rest = sendUpTo(total);
    members.kill('B');
    await rest;
    await members.until(() => members.handled().size === total);
    expect(outOfOrder(members.runs)).toEqual([]);
    const again = members.runs.length - total;
    // What B had in its hands, and nothing that the others had settled.
    expect(again).toBeLessThanOrEqual(1100);
    expect(ranAgain(members.runs).filter((id) => firstRunOf(members.runs, id).member !== 'B')).toEqual([]);
    await members.stopAll();
    const { backlog, delayed } = await client.inspect(queueOf(plan));
    expect([backlog.value, delayed.value]).toEqual([0, 0]);
  });

  test('a handler that is much slower than the session keeps its partition while another member joins', async () => {
    plan = { ...plan, handlerMs: 14_000, concurrency: 4 };
    await send(client, plan, { to: 4, keys: 4 });
    await members.start('A', plan);
    await members.start('B', plan);
    await members.until(() => members.handled().size === 4);
    expect(members.runs.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
    await members.stopAll();
  });

  test('a message that kills its process is set aside after crashLimit deaths, and 20 beside it are handled, uncharged', async () => {
    plan = { ...plan, concurrency: 5, handlerMs: 200, killer: 'killer', crashLimit: 2 };
    const producer = client.producer(queueOf(plan));
    await client.provision([queueOf(plan)]);
    await producer.send({ n: 0, key: 'k' }, { id: 'killer' });
    await send(client, plan, { to: 20, keys: 4 });
    let deaths = 0;
    for (; deaths < 8 && (await letters(client, plan)).length === 0; deaths++) {
      const name = `life ${deaths}`;
      // One may die before it has told that it started.
      await members.start(name, plan).catch(() => undefined);
      await members.until(() => !members.isAlive(name) || members.handled().size === 20);
      if (members.isAlive(name))
        await until(async () => !members.isAlive(name) || (await letters(client, plan)).length > 0);
      if (members.isAlive(name)) break;
    }
    expect(deaths).toBeGreaterThanOrEqual(2);
    expect(deaths).toBeLessThanOrEqual(4);
    await members.until(() => members.handled().size === 20);
    expect(await letters(client, plan)).toEqual(['killer']);
    expect(members.runs.every(({ attempt }) => attempt === 1)).toBe(true);
    await members.stopAll();
  });

  test('one poison message in each partition delays no other by more than its own attempts', async () => {
    const queue = queueOf(plan);
    await client.provision([queue]);
    const producer = client.producer(queue);
    for (let n = 0; n < 4; n++) await producer.send({ n, key: 'k' }, { id: `poison-${n}` });
    await send(client, plan, { to: 400, keys: 4 });
    const handledAt: number[] = [];
    const { promise: allHandled, resolve: onAllHandled } = Promise.withResolvers<void>();
    const poison = new Set<string>();
    const consumer = client.consumer(
      queue,
      { concurrency: 4, retry: { maxAttempts: 3, backoff: () => 3000 } },
      (_body, { message: { id } }) => {
        if (!id.startsWith('poison')) {
          if (handledAt.push(Date.now()) === 400) onAllHandled();
          return;
        }
        poison.add(id);
        throw new Error('always');
      },
    );
    const began = Date.now();
    await consumer.start();
    await allHandled;
    expect(Math.max(...handledAt) - began).toBeLessThan(3000 + 3000);
    expect((await letters(client, plan)).length).toBe(0);
    await until(async () => (await letters(client, plan)).length === 4);
    await consumer.stop();
  });

  test('an idle consumer costs under 1% of a core', async () => {
    await client.provision([queueOf(plan)]);
    await members.start('A', plan);
    // It has compiled what it needs when it has been idle for a while.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const [before, since] = [await members.cpu('A'), Date.now()];
    // What is measured: several of its longest waits and heartbeats.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    const share = ((await members.cpu('A')) - before) / 1000 / (Date.now() - since);
    // Beside other work a process takes more time for the same: the strict bound is for a machine that does nothing else.
    expect(share).toBeLessThan(process.env['ANYMQ_TEST_ALONE'] === '1' ? 0.01 : 0.1);
    await members.stopAll();
  });
});

function queueOf({ ordered, partitions }: MemberPlan): ReturnType<typeof defineQueue<Work>> {
  return defineQueue<Work>('work', { partitions, ...(ordered ? { ordering: 'key', key: ({ key }) => key } : {}) });
}

interface Numbers {
  /** 1 by default. */
  readonly from?: number;
  readonly to: number;
  readonly keys: number;
}

/** Messages of these numbers, each of the key that its number falls to. */
async function send(client: Client, plan: MemberPlan, { from = 1, to, keys }: Numbers): Promise<void> {
  const bodies = Array.from({ length: to - from + 1 }, (_, index) => ({
    n: from + index,
    key: `key-${(from + index) % keys}`,
  }));
  const results = await client.producer(queueOf(plan)).sendMany(bodies, ({ n }) => ({ id: String(n) }));
  for (const result of results) if (!result.ok) throw result.error;
}

async function letters(client: Client, plan: MemberPlan): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of client.deadLetters(queueOf(plan)).list()) found.push(id);
  return found;
}

/** Of what the broker has, which tells nobody. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}

function firstRunOf(runs: readonly SeenRun[], id: string): SeenRun {
  const [first] = runs.filter((run) => run.id === id).toSorted((a, b) => a.startedAt - b.startedAt);
  if (first === undefined) throw new Error(`${id} never ran`);
  return first;
}

function ranAgain(runs: readonly SeenRun[]): string[] {
  const times = new Map<string, number>();
  for (const { id } of runs) times.set(id, (times.get(id) ?? 0) + 1);
  return [...times].filter(([, count]) => count > 1).map(([id]) => id);
}

/** Runs that overlap with, or came before, an earlier message of their key. What ran again does not count. */
function outOfOrder(runs: readonly SeenRun[]): string[] {
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const [key, all] of Map.groupBy(runs, (run) => run.key)) {
    let last: SeenRun | undefined;
    for (const run of all.toSorted((a, b) => a.startedAt - b.startedAt)) {
      if (last !== undefined && run.startedAt < last.endedAt - 1) wrong.push(`${key}: ${run.id} beside ${last.id}`);
      if (last !== undefined && Number(run.id) < Number(last.id) && !seen.has(run.id)) wrong.push(`${key}: ${run.id}`);
      seen.add(run.id);
      last = run;
    }
  }
  return wrong;
}
