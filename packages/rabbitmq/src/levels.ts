import type { Link } from './client.ts';
import { isThere } from './errors.ts';
import type { NewQueues } from './new-queues.ts';
import type { Publisher } from './publisher.ts';
import type { Clock } from '@anymq/core/driver';

/**
 * Delays of any length without a plugin: level l is a queue in which every message waits 4^l units, so nothing waits behind a
 * longer one. Members take what has waited and move it on: to the longest level that fits into the rest, in the end to its
 * target. Who leaves says so in the message.
 */
export interface Level {
  readonly queue: string;
  readonly waitMs: number;
}

export interface LevelPlan {
  /** From the shortest. */
  readonly levels: readonly Level[];
  /** The exchange by which members hear of levels that are made. */
  readonly notices: string;
}

const longestMs = 7 * 24 * 60 * 60 * 1000;
const base = 4;

export function planLevels(namespace: string, unitMs: number): LevelPlan {
  const levels: Level[] = [];
  for (let waitMs = unitMs; waitMs <= longestMs; waitMs *= base)
    levels.push({ queue: `${namespace}__wait-${waitMs}`, waitMs });
  return { levels, notices: `${namespace}__waits` };
}

/** The longest that ends in time. Undefined: less than a unit is left, which core waits. */
export function levelFor({ levels }: LevelPlan, remainingMs: number): Level | undefined {
  return levels.findLast(({ waitMs }) => waitMs <= remainingMs);
}

interface LevelsOptions {
  readonly link: Link;
  readonly publisher: Publisher;
  readonly newQueues: NewQueues;
  readonly clock: Clock;
  readonly plan: LevelPlan;
}

const confirmWithinMs = 10_000;

/** Makes levels when they are first needed. Every call is safe to repeat, by several at once. */
export class Levels {
  readonly plan: LevelPlan;
  readonly #options: LevelsOptions;
  readonly #made = new Map<Level, Promise<void>>();

  constructor(options: LevelsOptions) {
    this.#options = options;
    this.plan = options.plan;
  }

  /** Until the next call everything is taken for missing: somebody has removed something. */
  forget(): void {
    this.#made.clear();
  }

  /** Resolves when the queues are there to stay, and members told. */
  async ensure(levels: Iterable<Level>): Promise<void> {
    await Promise.all(Array.from(levels, (level) => this.#ensureOne(level)));
    await this.#options.newQueues.save();
  }

  #ensureOne(level: Level): Promise<void> {
    const made = this.#made.get(level);
    if (made !== undefined) return made;
    const making = this.#make(level);
    this.#made.set(level, making);
    making.catch(() => {
      if (this.#made.get(level) === making) this.#made.delete(level);
    });
    return making;
  }

  /** A member listens first and then looks what is there; so it is told after the queue was made. */
  async #make({ queue }: Level): Promise<void> {
    const { link, publisher, newQueues, clock, plan } = this.#options;
    const isNew = !(await isThere(() => link.onChannel((channel) => channel.checkQueue(queue))));
    if (isNew) newQueues.expect();
    await link.onChannel(async (channel) => {
      await channel.assertExchange(plan.notices, 'fanout', { durable: true });
      await channel.assertQueue(queue, { durable: true, arguments: levelArguments });
    });
    const notice = {
      exchange: plan.notices,
      routingKey: '',
      content: Buffer.from(queue),
      options: { persistent: false, mandatory: false },
    };
    const [error] = await publisher.publishWithin(clock, confirmWithinMs, [notice]);
    if (error !== undefined) throw error;
  }
}

/** No member's end may cost a message: the limit is as good as none. */
const levelArguments = {
  'x-queue-type': 'quorum',
  'x-delivery-limit': 1_000_000,
  'x-consumer-timeout': 30 * 86_400_000,
};
