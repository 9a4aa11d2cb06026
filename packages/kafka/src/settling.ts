import {
  lost,
  type Received,
  settled,
  type Settlement,
  type SettleOutcome,
  type SettleResult,
} from '@anymq/core/driver';
import { Delivery } from './delivery.ts';
import type { DriverContext } from './driver-context.ts';
import { encodeRecord } from './encoding.ts';
import type { Holdings } from './holdings.ts';
import { type Names, tierFor } from './names.ts';
import type { Transactions } from './transactions.ts';
import type { Write } from './writer.ts';

export interface SettlingContext {
  readonly context: DriverContext;
  readonly names: Names;
  readonly holdings: Holdings;
  readonly isOrdered: boolean;
}

interface Item {
  readonly delivery: Delivery;
  readonly outcome: SettleOutcome;
}

interface Copy {
  readonly item: Item;
  readonly write: Write;
}

/** Copies and dead letters first; when they are confirmed, the originals; and the answer when the group knows. */
export class Settling {
  readonly #context: SettlingContext;

  constructor(context: SettlingContext) {
    this.#context = context;
  }

  async settle(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    const open = openItems(items);
    this.#forgetLost(items);
    const fresh = open.filter(({ delivery }) => !delivery.isApplied);
    const failures = await this.#writeCopies(fresh, this.#refugesOf(fresh));
    const done = open.filter(({ delivery }) => !failures.has(delivery));
    const ours = done.filter(({ delivery }) => delivery.result === undefined);
    for (const { delivery, outcome } of ours) this.#apply(delivery, outcome);
    try {
      await this.#context.holdings.commit(ours.map(({ delivery }) => delivery));
    } catch (error) {
      for (const { delivery } of ours) failures.set(delivery, error);
    }
    for (const { delivery } of ours) this.#conclude(delivery, failures.has(delivery));
    this.#context.holdings.onSettled();
    return items.map(({ token }) => resultOf(token, failures));
  }

  /** Of what was never shown to core: what cannot go elsewhere goes back to its place. */
  async giveBack(items: readonly Settlement[]): Promise<void> {
    await this.settle(items);
    this.putBack(items.map(({ token }) => token).filter((token) => token instanceof Delivery));
  }

  /** Never shown to core: back to their places. */
  putBack(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      if (delivery.result !== undefined) continue;
      if (!delivery.isApplied) delivery.entry.log.putBack(delivery.entry);
      this.#conclude(delivery, false);
    }
    this.#context.holdings.onSettled();
  }

  /** What went away with its topic keeps no partition from being handed over. */
  #forgetLost(items: readonly Settlement[]): void {
    for (const { token } of items)
      if (token instanceof Delivery && token.result === lost) this.#context.holdings.forget(token);
  }

  /**
   * What a retreating member gives back, in a partition where something still runs, would wait there for it: it goes where
   * nothing does. Not where order is kept.
   */
  #refugesOf(items: readonly Item[]): ReadonlyMap<Delivery, number> {
    const { isOrdered, holdings } = this.#context;
    const released = new Set(items.filter(isRelease).map(({ delivery }) => delivery));
    return isOrdered || !holdings.isRetreating ? new Map() : holdings.refugesOf(released);
  }

  #apply(delivery: Delivery, outcome: SettleOutcome): void {
    const { entry, isApplied, isCopied } = delivery;
    if (isApplied) return;
    delivery.isApplied = true;
    if (outcome.kind === 'release' && !isCopied) entry.log.putBack(entry);
    else entry.log.settle(entry);
  }

  #conclude(delivery: Delivery, isUnknown: boolean): void {
    const { entry } = delivery;
    if (isUnknown && !entry.log.isLost) return;
    delivery.result ??= entry.log.isLost ? lost : settled;
    this.#context.holdings.forget(delivery);
  }

  /** What was not written, and why. */
  async #writeCopies(open: readonly Item[], refuges: ReadonlyMap<Delivery, number>): Promise<Map<Delivery, unknown>> {
    const failures = new Map<Delivery, unknown>();
    const copies: Copy[] = [];
    for (const item of open) {
      try {
        const write = await this.#copyOf(item, refuges.get(item.delivery));
        if (write !== undefined) copies.push({ item, write });
      } catch (error) {
        failures.set(item.delivery, error);
      }
    }
    if (copies.length === 0) return failures;
    const { transactions } = this.#context.holdings;
    if (transactions !== undefined) return this.#commitCopies(transactions, copies, failures);
    const { offsets, error } = await this.#context.context.writer.write(copies.map(({ write }) => write));
    for (const [index, { item }] of copies.entries()) {
      if (index < offsets.length) item.delivery.isCopied = true;
      else failures.set(item.delivery, error);
    }
    return failures;
  }

  /**
   * After a crash between a copy and its original's offset both would be handled. Not dead letters: of one that is twice there
   * is one to be seen, and their count stays exact.
   */
  async #commitCopies(
    transactions: Transactions,
    copies: readonly Copy[],
    failures: Map<Delivery, unknown>,
  ): Promise<Map<Delivery, unknown>> {
    await Promise.all(
      copies.map(async ({ item: { delivery, outcome }, write }) => {
        try {
          if (outcome.kind !== 'deadLetter') return await transactions.run([delivery], [write]);
          const { offsets, error } = await this.#context.context.writer.write([write]);
          if (offsets.length === 0) throw error;
          delivery.isCopied = true;
        } catch (error) {
          failures.set(delivery, error);
        }
      }),
    );
    return failures;
  }

  async #copyOf(
    { delivery: { entry, message }, outcome }: Item,
    refuge: number | undefined,
  ): Promise<Write | undefined> {
    const { names, context } = this.#context;
    const nowMs = context.clock.now();
    const { attempt, failure } = message;
    if (outcome.kind === 'deadLetter') {
      const meta = { attempt: outcome.failure.attempts, failure: outcome.failure };
      return { topic: names.dead, record: encodeRecord(message, 0, nowMs, meta) };
    }
    if (outcome.kind === 'retry') {
      const { dueAt } = outcome;
      return this.#retryCopy(entry.log.partition, message, {
        dueAt,
        attempt: outcome.attempt,
        failure: outcome.failure,
      });
    }
    if (outcome.kind === 'release' && outcome.delayMs > 0)
      return this.#retryCopy(entry.log.partition, message, { dueAt: nowMs + outcome.delayMs, attempt, failure });
    if (outcome.kind === 'release' && refuge !== undefined)
      return { topic: names.retry, record: encodeRecord(message, refuge, nowMs, { attempt, failure }) };
    return undefined;
  }

  async #retryCopy(
    partition: number,
    message: Received,
    meta: { readonly dueAt: number; readonly attempt: number; readonly failure?: Received['failure'] },
  ): Promise<Write> {
    const { names, context, holdings } = this.#context;
    const nowMs = context.clock.now();
    const tierMs = tierFor(context.tiersMs, meta.dueAt - nowMs);
    const tier = tierMs === undefined ? undefined : names.tier(tierMs);
    const isThere = tier !== undefined && holdings.tiers.has(tier, partition);
    if (tier !== undefined && !isThere) holdings.tiers.add(tier, partition, tierMs ?? 0);
    const topic = isThere ? tier : names.retry;
    await holdings.tiers.ensure(topic, partition, 0);
    return { topic, record: encodeRecord(message, partition, nowMs, meta) };
  }
}

function isRelease({ outcome }: Item): boolean {
  return outcome.kind === 'release' && outcome.delayMs <= 0;
}

/** What is still to be settled, each delivery once: of a repeat in the same batch the first counts. */
function openItems(items: readonly Settlement[]): readonly Item[] {
  const open = new Map<Delivery, SettleOutcome>();
  for (const { token, outcome } of items) {
    if (!(token instanceof Delivery) || token.result !== undefined || open.has(token)) continue;
    if (token.entry.log.isLost) token.result = lost;
    else open.set(token, outcome);
  }
  return [...open].map(([delivery, outcome]) => ({ delivery, outcome }));
}

function resultOf(token: unknown, failures: ReadonlyMap<Delivery, unknown>): SettleResult {
  if (!(token instanceof Delivery)) return lost;
  return token.result ?? { ok: false, reason: 'error', error: failures.get(token) };
}
