import { expect, test } from 'vitest';
import type { Delivery } from '../../src/consume-types.ts';
import { settle } from './rest.ts';
import { SimulatedBroker } from './simulated-broker.ts';
import { stage, type Stage } from './stage.ts';

const messages = 60;
const keys = 5;
const partitions = 3;
const leaseMs = 1000;

/** Numbers from 0 to 1 that a seed repeats. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Chaos {
  readonly made: Stage;
  readonly broker: SimulatedBroker;
  readonly wrong: string[];
}

/** Sends messages of a few keys while handlers fail, deliveries are lost, partitions are revoked, and settlements fail. */
async function chaos(seed: number): Promise<Chaos> {
  const random = seeded(seed);
  const wrong: string[] = [];
  const running = new Map<string, string>();
  const succeeded = new Set<string>();
  const open: { readonly id: string; readonly end: (error?: Error) => void }[] = [];

  function check({ message: { id, key = '' } }: Delivery): void {
    if (running.has(key)) wrong.push(`${id} started while ${running.get(key)} of its key ran`);
    running.set(key, id);
    const at = broker.entries.findIndex((entry) => entry.id === id);
    const earlier = broker.entries.slice(0, at);
    for (const entry of earlier) {
      // Its acknowledgement may still be under way.
      const isEnding = entry.place === 'in hand' && succeeded.has(entry.id);
      const isOver = entry.place === 'done' || entry.place === 'dead' || isEnding;
      if (entry.key === key && !isOver) wrong.push(`${id} overtook ${entry.id}, which is ${entry.place}`);
    }
  }

  async function handler(_body: unknown, delivery: Delivery): Promise<void> {
    const { id, key = '' } = delivery.message;
    succeeded.delete(id);
    check(delivery);
    try {
      await new Promise<void>((resolve, reject) => {
        open.push({ id, end: (error) => (error === undefined ? resolve() : reject(error)) });
      });
      succeeded.add(id);
    } finally {
      running.delete(key);
    }
  }

  const made = await stage(
    {
      ordered: true,
      handler,
      definition: { partitions },
      // Of every third: handlers run for too long all the time, and do not look at their signals.
      limits: seed % 3 === 0 ? { maxRunMs: 200 } : {},
      start: false,
    },
    {
      leaseMs,
      concurrency: 1 + Math.floor(random() * 6),
      maxHeld: 3 + Math.floor(random() * 20),
      retry: ({ attempt }) => (attempt >= 4 ? null : 50),
    },
  );
  const broker = new SimulatedBroker(made.driver, random, { clock: made.clock, leaseMs });
  await made.consumer.start();
  await settle();
  broker.faults = { settle: random() < 0.5 ? 0 : 0.15 };
  const endOne = (): void => {
    const [one] = open.splice(Math.floor(random() * open.length), 1);
    one?.end(random() < 0.3 ? new Error('failed') : undefined);
  };
  const steps = [
    endOne,
    endOne,
    endOne,
    () => broker.losePartition(Math.floor(random() * partitions)),
    () => broker.revoke(Math.floor(random() * partitions)),
    () => {
      const inHand = broker.entries.filter(({ place }) => place === 'in hand');
      const one = inHand[Math.floor(random() * inHand.length)];
      if (one !== undefined) broker.loseTail(one.id);
    },
    () => {
      made.consumer.pause();
      if (random() < 0.5) made.consumer.resume();
    },
    () => made.consumer.resume(),
  ];
  for (let sent = 0; sent < messages;) {
    if (random() < 0.4) {
      const key = Math.floor(random() * keys);
      broker.send(`m${(sent += 1)}`, `k${key}`, key % partitions);
    } else steps[Math.floor(random() * steps.length)]?.();
    const pass = random();
    if (pass < 0.3) await settle();
    else if (pass < 0.5) await made.clock.advance(Math.floor(random() * 100));
    else await Promise.resolve();
  }
  broker.faults = { settle: 0 };
  made.consumer.resume();
  for (let round = 0; round < 2000 && broker.left > 0; round += 1) {
    for (const { end } of open.splice(0)) end();
    // Less than `maxRunMs`.
    await made.clock.advance(100);
    made.driver.endPoll();
  }
  return { made, broker, wrong };
}

test.each([...Array.from({ length: 300 }, (_, seed) => seed + 1), 1534, 6553])(
  'keys are handled in order and nothing is left, whatever goes wrong (seed %i)',
  async (seed) => {
    const { made, broker, wrong } = await chaos(seed);
    expect(wrong).toEqual([]);
    expect(broker.left).toBe(0);
    const stopped = made.consumer.stop();
    await made.clock.advance(0);
    await stopped;
    expect(made.clock.pending).toBe(0);
  },
);
