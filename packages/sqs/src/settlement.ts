import {
  type FailureRecord,
  lost,
  type Received,
  settled,
  type Settlement,
  type SettleOutcome,
  type SettleResult,
} from '@anymq/core/driver';
import { type BatchAnswer, byBatches, type SendEntry } from './batches.ts';
import { type Delivery, isDelivery } from './delivery.ts';
import type { DriverContext, Place } from './driver-context.ts';
import { deduplicationId, encodeMessage, fairGroup, groupOf, waitingGroup } from './encoding.ts';
import type { Leases } from './leases.ts';
import type { Marks } from './marks.ts';
import { bytesOf, delaySeconds } from './sender.ts';
import { suspectAt } from './suspicion.ts';

export interface SettlerOptions {
  readonly context: DriverContext;
  readonly place: Place;
  readonly leases: Leases;
  readonly marks: Marks;
  /** Went back without having run: its next receive says nothing about it. */
  readonly onReleased: (delivery: Delivery) => void;
}

interface Item {
  readonly delivery: Delivery;
  readonly outcome: SettleOutcome;
}

/**
 * What goes back goes as a copy of the same attempt where seconds are too coarse for its delay, or where one more receive would make a
 * suspect of it: SQS counts that too. In FIFO queues it keeps its place instead.
 */
function plainOutcome(outcome: SettleOutcome, delivery: Delivery, isFifo: boolean, now: number): SettleOutcome {
  const { received, receives } = delivery;
  if (outcome.kind !== 'release' || received === undefined) return outcome;
  const isNextSuspect = receives === suspectAt - 1 && !isFifo;
  if (outcome.delayMs <= 0 && !isNextSuspect) return outcome;
  return { kind: 'retry', dueAt: now + outcome.delayMs, attempt: received.attempt, failure: received.failure };
}

type Copy = Extract<SettleOutcome, { readonly kind: 'retry' | 'deadLetter' }>;

/** Settles deliveries: first the copies and dead letters, and what of these was confirmed is deleted with what was acknowledged. */
export class Settler {
  readonly #options: SettlerOptions;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  async settle(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    const { leases, place } = this.#options;
    const now = this.#options.context.clock.now();
    const open = openItems(items, leases, (outcome, delivery) => plainOutcome(outcome, delivery, place.isFifo, now));
    const expired = open.filter(({ delivery }) => delivery.deadline <= now);
    leases.loseExpired(expired.map(({ delivery }) => delivery));
    const errors = new Map<Delivery, unknown>();
    const ours = open.filter(({ delivery }) => delivery.result === undefined);
    for (const { delivery } of ours) delivery.isSettling = true;
    await this.#copy(ours, errors);
    const gone = [...ours, ...expired].filter((item) => isDone(item));
    await Promise.all([
      this.#delete(
        gone.map(({ delivery }) => delivery),
        errors,
      ),
      this.#release(ours, errors),
    ]);
    for (const { delivery } of ours) delivery.isSettling = false;
    await this.#clearMarks(ours);
    return items.map(({ token }) => resultOf(token, errors));
  }

  /** A failure holds up no other: it is known for each. */
  async #copy(items: readonly Item[], errors: Map<Delivery, unknown>): Promise<void> {
    const { place } = this.#options;
    const copies = items.filter(needsCopy);
    const letters = copies.filter(({ outcome }) => outcome.kind === 'deadLetter');
    const retries = copies.filter(({ outcome }) => outcome.kind === 'retry');
    await Promise.all([this.#send(place.deadLettersUrl, letters, errors), this.#send(place.url, retries, errors)]);
  }

  async #send(url: string, copies: readonly CopyItem[], errors: Map<Delivery, unknown>): Promise<void> {
    const { context, place } = this.#options;
    const entries = copies.map((copy) => entryOf(copy, place.isFifo, context));
    const answers = await attempt(entries, (batch) => place.endpoint.send(url, batch), {
      bytesOf,
      inOrder: place.isFifo,
    });
    for (const [index, { delivery }] of copies.entries()) {
      const answer = answers[index];
      if (answer?.ok === true) delivery.isCopied = true;
      else errors.set(delivery, answer?.error);
    }
  }

  async #delete(deliveries: readonly Delivery[], errors: Map<Delivery, unknown>): Promise<void> {
    const { place, leases } = this.#options;
    const receipts = deliveries.map(({ receipt }) => receipt);
    const answers = await attempt(receipts, (batch) => place.endpoint.delete(place.url, batch));
    for (const [index, delivery] of deliveries.entries()) {
      const answer = answers[index];
      // Finished in time or not: it is gone, if nobody else has it by now.
      if (delivery.result !== undefined) continue;
      if (answer?.ok === true || (answer?.isExpired === true && delivery.mayBeDeleted)) this.#end(delivery);
      else if (answer?.isExpired === true) leases.lose([delivery]);
      else {
        delivery.mayBeDeleted = true;
        errors.set(delivery, answer?.error);
      }
    }
  }

  /** Followers before those that they follow. */
  async #release(items: readonly Item[], errors: Map<Delivery, unknown>): Promise<void> {
    const { place, leases, onReleased } = this.#options;
    const released = items.flatMap(({ delivery, outcome }) =>
      outcome.kind === 'release' && delivery.result === undefined && !delivery.isCopied
        ? [{ delivery, receipt: delivery.receipt, seconds: 0 }]
        : [],
    );
    if (place.isFifo) released.reverse();
    const deliveries = released.map(({ delivery }) => delivery);
    for (const delivery of deliveries) delivery.isReleasing = true;
    await leases.unextended(deliveries);
    const answers = await attempt(released, (batch) => place.endpoint.changeVisibility(place.url, batch), {
      inOrder: place.isFifo,
    });
    for (const [index, { delivery }] of released.entries()) {
      const answer = answers[index];
      delivery.isReleasing = false;
      if (answer?.ok === true) {
        onReleased(delivery);
        this.#end(delivery);
      } else if (answer?.isExpired === true) leases.lose([delivery]);
      else errors.set(delivery, answer?.error);
    }
  }

  #end(delivery: Delivery): void {
    delivery.result = settled;
    this.#options.leases.drop(delivery);
  }

  /** The end of a run that was no death. Left over, a mark does no harm: it counts for this message at SQS alone, which is gone. */
  async #clearMarks(items: readonly Item[]): Promise<void> {
    const { marks, context } = this.#options;
    const marked = items.filter(({ delivery }) => delivery.isMarked && delivery.result?.ok === true);
    if (marked.length === 0) return;
    try {
      const [released, gone] = [true, false].map((isReleased) =>
        marked.filter(({ outcome }) => (outcome.kind === 'release') === isReleased).map(({ delivery }) => delivery),
      ) as [Delivery[], Delivery[]];
      await marks.takeBack(released);
      await marks.clear(gone.map(({ messageId }) => messageId));
    } catch (error) {
      context.logger.debug('A mark was left behind.', { error: error instanceof Error ? error.name : typeof error });
    }
  }
}

/** Each open delivery once: of a repeat in the same batch the first counts. */
function openItems(
  items: readonly Settlement[],
  leases: Leases,
  plain: (outcome: SettleOutcome, delivery: Delivery) => SettleOutcome,
): Item[] {
  const open = new Map<Delivery, Item>();
  for (const { token, outcome } of items)
    if (leases.has(token) && token.result === undefined && !open.has(token))
      open.set(token, { delivery: token, outcome: plain(outcome, token) });
  return [...open.values()];
}

interface CopyItem {
  readonly delivery: Delivery;
  readonly outcome: Copy;
}

function needsCopy(item: Item): item is CopyItem {
  const { delivery, outcome } = item;
  return (outcome.kind === 'retry' || outcome.kind === 'deadLetter') && !delivery.isCopied;
}

function isDone({ delivery, outcome }: Item): boolean {
  return outcome.kind === 'acknowledge' || delivery.isCopied;
}

function entryOf({ delivery, outcome }: CopyItem, isFifo: boolean, { clock, tuning }: DriverContext): SendEntry {
  const now = clock.now();
  const received = delivery.received as Received;
  const encoded = encodeMessage(received, metaOf(outcome));
  const { id, key } = received;
  if (isFifo) {
    const group = outcome.kind === 'retry' && outcome.dueAt > now ? waitingGroup(id) : groupOf(key, id);
    // A letter blocks no other.
    const groupId = outcome.kind === 'deadLetter' ? groupOf(undefined, delivery.generation) : group;
    return { ...encoded, groupId, deduplicationId: deduplicationId(id, delivery.generation) };
  }
  if (outcome.kind !== 'retry') return encoded;
  return { ...encoded, ...fairGroup(tuning.fairQueues, key), delaySeconds: delaySeconds(outcome.dueAt - now) };
}

function metaOf(outcome: Copy): { attempt: number; dueAt?: number | undefined; failure?: FailureRecord | undefined } {
  if (outcome.kind === 'deadLetter') return { attempt: outcome.failure.attempts, failure: outcome.failure };
  return { attempt: outcome.attempt, dueAt: outcome.dueAt, failure: outcome.failure };
}

/** Never rejects: what failed as a whole failed for each. */
async function attempt<Value>(
  items: readonly Value[],
  call: (batch: readonly Value[]) => Promise<readonly BatchAnswer[]>,
  options?: { readonly bytesOf?: (item: Value) => number; readonly inOrder?: boolean },
): Promise<readonly BatchAnswer[]> {
  try {
    return await byBatches(items, call, options);
  } catch (error) {
    return items.map(() => ({ ok: false, error, isExpired: false }));
  }
}

function resultOf(token: unknown, errors: ReadonlyMap<Delivery, unknown>): SettleResult {
  if (!isDelivery(token)) return lost;
  if (token.result !== undefined) return token.result;
  return { ok: false, reason: 'error', error: errors.get(token) };
}
