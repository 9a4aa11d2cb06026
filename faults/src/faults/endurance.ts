import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, Scene } from '../fault.ts';
import type { Member } from '../member/member.ts';
import type { Holdings } from '../member/orders.ts';
import { pick } from '../random.ts';
import { strikes } from './strikes.ts';

/** What a process that lived all the time held once it was warm, and what it held in the end. */
export interface Held {
  readonly member: string;
  readonly first: Holdings;
  readonly last: Holdings;
}

/** One after the other, with a second between them, until everything is sent. */
export const mixture: Fault = {
  name: 'mixture',
  what: 'short faults of every kind in a random order, a second apart, until everything is sent',
  async inflict(scene) {
    await scene.progress(0.01);
    await strikeUntil(scene, scene.progress(1), () => delay(1000), 0);
  },
};

const warmUpMs = 60_000;
const betweenMs = 30_000;

/**
 * One every 30 s for so long, then nothing more is sent; the first process of each role is spared, so that what it holds can be
 * compared.
 */
export function createSoak(minutes: number, found: (held: readonly Held[]) => void): Fault {
  return {
    name: 'soak',
    what: 'a low steady rate with a short random fault every 30 s',
    async inflict(scene) {
      const over = delay(minutes * 60_000);
      await delay(Math.min(warmUpMs, minutes * 30_000));
      const first = await holdingsOf(scene);
      await strikeUntil(scene, over, () => delay(betweenMs), 1);
      const last = await holdingsOf(scene);
      for (const producer of scene.producers) producer.tell({ do: 'enough' });
      found(
        first.flatMap(({ member, holdings }) => {
          const then = last.find((other) => other.member === member)?.holdings;
          return holdings === undefined || then === undefined ? [] : [{ member, first: holdings, last: then }];
        }),
      );
    },
  };
}

async function strikeUntil(
  scene: Scene,
  over: Promise<void>,
  pause: () => Promise<void>,
  spared: number,
): Promise<void> {
  let isOver = false;
  const ended = over.then(() => void (isOver = true));
  const known = strikes.filter(({ drivers }) => drivers?.includes(scene.driver) ?? true);
  const oneOf = (members: readonly Member[]) => pick(scene.random, members.slice(spared));
  for (;;) {
    await Promise.race([ended, pause()]);
    if (isOver) return;
    const strike = pick(scene.random, known);
    scene.tell(strike.name);
    try {
      await strike.strike(scene, { consumer: oneOf(scene.consumers), producer: oneOf(scene.producers) });
    } catch (error) {
      // On a machine under load, Docker may fail to freeze a container. A broker that does not come back shows in the verdict.
      scene.tell(`${strike.name} was not to be done: ${String(error)}`);
    }
  }
}

async function holdingsOf({ consumers, producers }: Scene) {
  const spared = [consumers[0], producers[0]].filter((member) => member !== undefined);
  return Promise.all(spared.map(async (member) => ({ member: member.role, holdings: await leastHeld(member) })));
}

const samples = 10;

/** Of several looks the least of each: what is under way comes and goes, what was forgotten stays. */
async function leastHeld(member: Member): Promise<Holdings | undefined> {
  let least: Holdings | undefined;
  for (let sample = 0; sample < samples; sample++) {
    const held = await member.measure();
    if (held !== undefined) least = least === undefined ? held : leastOf(least, held);
    await delay(300);
  }
  return least;
}

function leastOf(a: Holdings, b: Holdings): Holdings {
  return {
    heapBytes: Math.min(a.heapBytes, b.heapBytes),
    externalBytes: Math.min(a.externalBytes, b.externalBytes),
    residentBytes: Math.min(a.residentBytes, b.residentBytes),
    sockets: Math.min(a.sockets, b.sockets),
    timers: Math.min(a.timers, b.timers),
    listeners: Math.min(a.listeners, b.listeners),
  };
}
