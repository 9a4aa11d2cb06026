import type { Driver, Received } from '@anymq/core/driver';
import { crashMemoryDriver } from '@anymq/memory';
import { expect, test } from 'vitest';
import {
  acknowledge,
  createBench,
  join,
  type Member,
  must,
  ordered,
  outgoing,
  provisioned,
  send,
  turns,
} from './support.ts';

interface Actor {
  readonly driver: Driver;
  readonly member: Member;
  held: Received[];
}

/** Members of one ordered group that take, settle, join, leave and die at random. */
class Crowd {
  readonly #newDriver: () => Driver;
  readonly #actors: Actor[] = [];
  #seed: number;
  /** Key → numbers of its messages, in the order in which they were acknowledged. */
  readonly done = new Map<string, number[]>();
  /** Keys that were in two hands at once. */
  readonly shared: string[] = [];

  constructor(newDriver: () => Driver, seed: number) {
    this.#newDriver = newDriver;
    this.#seed = seed;
  }

  below(count: number): number {
    this.#seed = (Math.imul(this.#seed, 48_271) >>> 0) % 2_147_483_647;
    return this.#seed % count;
  }

  async act(): Promise<void> {
    const actor = this.#actors[this.below(Math.max(1, this.#actors.length))];
    const action = this.below(12);
    if (actor === undefined || (action === 0 && this.#actors.length < 4)) await this.#enter();
    else if (action === 1) await this.#leave(actor);
    else if (action < 7) await this.#take(actor, 1 + this.below(5));
    else await this.#settleOldest(actor);
    await turns();
    for (const each of this.#actors) forgetLost(each);
  }

  /** Everything that is left, by one member. */
  async finish(): Promise<void> {
    for (const actor of [...this.#actors]) await this.#leave(actor);
    await this.#enter();
    const actor = must(this.#actors[0]);
    for (;;) {
      await this.#take(actor, 100);
      if (actor.held.length === 0) return;
      while (actor.held.length > 0) await this.#settleOldest(actor);
    }
  }

  async #enter(): Promise<void> {
    const driver = this.#newDriver();
    this.#actors.push({ driver, member: await join(driver, ordered, 1000), held: [] });
  }

  async #leave(actor: Actor): Promise<void> {
    this.#actors.splice(this.#actors.indexOf(actor), 1);
    if (this.below(2) === 0) crashMemoryDriver(actor.driver);
    else await actor.member.close();
  }

  async #take(actor: Actor, count: number): Promise<void> {
    const taken = await actor.member.take(count);
    const others = new Set(
      this.#actors.filter((each) => each !== actor).flatMap(({ held }) => held.map(({ key }) => key)),
    );
    this.shared.push(...taken.flatMap(({ key }) => (key !== undefined && others.has(key) ? [key] : [])));
    actor.held.push(...taken);
  }

  async #settleOldest(actor: Actor): Promise<void> {
    const received = actor.held.shift();
    if (received === undefined) return;
    const [result] = await actor.member.settleBatch([{ token: received.token, outcome: acknowledge }]);
    const key = must(received.key);
    if (result?.ok === true) this.done.set(key, [...(this.done.get(key) ?? []), Number(received.id)]);
  }
}

function forgetLost(actor: Actor): void {
  const lost = new Set(actor.member.lost.flatMap(({ ids }) => ids));
  actor.held = actor.held.filter(({ id }) => !lost.has(id));
}

test.each([1, 7, 42])(
  'one key is in one hand at a time, in order, while members come, go and die (seed %i)',
  async (seed) => {
    const { driver } = createBench();
    const control = await provisioned(driver());
    const crowd = new Crowd(driver, seed);
    for (let round = 0; round < 300; round += 1) {
      await send(control, ordered, [outgoing(String(round), { key: `k${crowd.below(6)}` })]);
      await crowd.act();
    }
    await crowd.finish();
    expect(crowd.shared).toEqual([]);
    expect([...crowd.done.values()].flat()).toHaveLength(300);
    for (const numbers of crowd.done.values()) expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  },
);
