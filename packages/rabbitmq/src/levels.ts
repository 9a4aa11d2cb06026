import type { AmqpChannel, Link } from './client.ts';
import { routingWord } from './names.ts';

/**
 * Delays of any length without a plugin: level l is a queue in which every message waits 2^l units, and an exchange before
 * it that looks at one bit of the routing key. `b22.b21.….b0.target…` enters at its highest bit; after the lowest one it is
 * in the exchange `deliver`, which knows the targets. Each queue has one time to live, so nothing waits behind a longer one.
 */
export interface Level {
  readonly exchange: string;
  readonly queue: string;
  readonly ttlMs: number;
  /** Messages that wait here, and those that go on at once. */
  readonly waits: string;
  readonly passes: string;
  readonly next: string;
}

export interface LevelPlan {
  readonly unitMs: number;
  readonly levels: readonly Level[];
  readonly deliver: string;
  /** Takes what no queue takes any more; otherwise it would hold up all others. */
  readonly sink: string;
}

/** What a delayed message is for: a queue, or a topic's exchange with its own routing key. */
export type Target = { readonly queue: string } | { readonly exchange: string; readonly routingKey: string };

const longestMs = 7 * 24 * 60 * 60 * 1000;
const sinkLength = 10_000;

export function planLevels(namespace: string, unitMs: number): LevelPlan {
  const count = Math.ceil(Math.log2(longestMs / unitMs + 1));
  const prefix = `${namespace}__delay-${unitMs}`;
  const deliver = `${prefix}_deliver`;
  const levels = Array.from({ length: count }, (_, level) => {
    const name = `${prefix}_${level}`;
    const before = '*.'.repeat(count - 1 - level);
    const next = level === 0 ? deliver : `${prefix}_${level - 1}`;
    return {
      exchange: name,
      queue: name,
      ttlMs: unitMs * 2 ** level,
      waits: `${before}1.#`,
      passes: `${before}0.#`,
      next,
    };
  });
  return { unitMs, levels, deliver, sink: sinkName(namespace) };
}

/** Also what a topic's exchange falls back on: a delayed message to a topic without groups is gone, and must not come to a halt. */
export function sinkName(namespace: string): string {
  return `${namespace}__unroutable`;
}

/** Where a delay of so many units enters: at its highest bit. From 1 to what the levels can hold. */
export function levelOf({ levels }: LevelPlan, units: number): number {
  return Math.min(levels.length - 1, Math.floor(Math.log2(Math.max(1, units))));
}

export function routeOf(
  plan: LevelPlan,
  units: number,
  target: Target,
): { readonly exchange: string; readonly routingKey: string } {
  const count = plan.levels.length;
  const bits = Math.min(Math.max(1, units), 2 ** count - 1)
    .toString(2)
    .padStart(count, '0');
  const exchange = plan.levels[levelOf(plan, units)]?.exchange ?? '';
  return { exchange, routingKey: `${Array.from(bits).join('.')}.${wordsOf(target)}` };
}

/** The binding of a target to the exchange `deliver`. */
export function deliverPattern(
  { levels }: LevelPlan,
  target: { readonly queue: string } | { readonly exchange: string },
): string {
  const words = 'queue' in target ? `q.${routingWord(target.queue)}` : `t.${routingWord(target.exchange)}.#`;
  return `${'*.'.repeat(levels.length)}${words}`;
}

function wordsOf(target: Target): string {
  return 'queue' in target
    ? `q.${routingWord(target.queue)}`
    : `t.${routingWord(target.exchange)}.${target.routingKey}`;
}

/** Makes levels when they are first needed. Every call is safe to repeat, by several at once. */
export class Levels {
  readonly plan: LevelPlan;
  readonly #link: Link;
  readonly #bound = new Set<string>();
  #ready = -1;

  constructor(link: Link, plan: LevelPlan) {
    this.#link = link;
    this.plan = plan;
  }

  /** Until the next call everything is taken for missing: somebody has removed something. */
  forget(): void {
    this.#ready = -1;
    this.#bound.clear();
  }

  /** Levels 0 to `level`, and the way from there to each target. */
  async ensure(level: number, targets: readonly Target[]): Promise<void> {
    const missing = targets.filter((target) => !this.#bound.has(keyOf(target)));
    if (level <= this.#ready && missing.length === 0) return;
    const fresh = this.plan.levels.slice(this.#ready + 1, level + 1);
    // Queues take long to be made, and do not wait for each other.
    await Promise.all([
      this.#link.onChannel((channel) => this.#declareExchanges(channel, fresh, missing)),
      ...(this.#ready < 0 ? [this.#link.onChannel((channel) => declareSinkQueue(channel, this.plan.sink))] : []),
      ...fresh.map((each) => this.#link.onChannel((channel) => declareLevelQueue(channel, each))),
    ]);
    await this.#link.onChannel(async (channel) => {
      if (this.#ready < 0) await channel.bindQueue(this.plan.sink, this.plan.sink, '');
      for (const each of fresh) await bindLevel(channel, each);
    });
    for (const target of missing) this.#bound.add(keyOf(target));
    this.#ready = Math.max(this.#ready, level);
  }

  async #declareExchanges(channel: AmqpChannel, fresh: readonly Level[], targets: readonly Target[]): Promise<void> {
    if (targets.length > 0 || this.#ready < 0) await declareDeliver(channel, this.plan);
    for (const target of targets) await bindTarget(channel, this.plan, target);
    for (const { exchange } of fresh) await channel.assertExchange(exchange, 'topic', { durable: true });
  }
}

function keyOf(target: Target): string {
  return 'queue' in target ? `q ${target.queue}` : `t ${target.exchange}`;
}

export async function declareDeliver(channel: AmqpChannel, { deliver, sink }: LevelPlan): Promise<void> {
  await channel.assertExchange(sink, 'fanout', { durable: true });
  await channel.assertExchange(deliver, 'topic', { durable: true, alternateExchange: sink });
}

export async function bindTarget(
  channel: AmqpChannel,
  plan: LevelPlan,
  target: { readonly queue: string } | { readonly exchange: string },
): Promise<void> {
  const pattern = deliverPattern(plan, target);
  if ('queue' in target) await channel.bindQueue(target.queue, plan.deliver, pattern);
  else await channel.bindExchange(target.exchange, plan.deliver, pattern);
}

async function declareLevelQueue(channel: AmqpChannel, level: Level): Promise<void> {
  await channel.assertQueue(level.queue, {
    durable: true,
    arguments: {
      'x-queue-type': 'quorum',
      'x-message-ttl': level.ttlMs,
      'x-dead-letter-exchange': level.next,
      // Confirmed from queue to queue. It needs the overflow rule, although nothing here can overflow.
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    },
  });
}

async function bindLevel(channel: AmqpChannel, level: Level): Promise<void> {
  await channel.bindQueue(level.queue, level.exchange, level.waits);
  await channel.bindExchange(level.next, level.exchange, level.passes);
}

async function declareSinkQueue(channel: AmqpChannel, sink: string): Promise<void> {
  await channel.assertQueue(sink, {
    durable: true,
    arguments: { 'x-queue-type': 'quorum', 'x-max-length': sinkLength },
  });
}
