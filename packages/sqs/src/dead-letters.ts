import {
  type Address,
  type DeadLetterStore,
  lost,
  type SettleResult,
  type StoredLetter,
  type Token,
} from '@anymq/core/driver';
import { byBatches, maxEntries, type SendEntry } from './batches.ts';
import { Delivery } from './delivery.ts';
import { type DriverContext, openPlace, type Place } from './driver-context.ts';
import { decodeLetter, deduplicationId, encodeMessage, fairGroup, groupOf } from './encoding.ts';
import { Leases } from './leases.ts';
import { Marks } from './marks.ts';
import { bytesOf } from './sender.ts';
import { Settler } from './settlement.ts';
import { countsAt } from './topology.ts';

/** Letters are held for so long, again and again, while the store is open: a look that dies gives them back soon. */
const holdMs = 10_000;
/** How many are looked at together, which is how far their order is put right. */
const windowSize = 1000;
const windowBytes = 32 * 1024 * 1024;

/**
 * The dead letters of a queue or a group: a queue that nobody receives from. A look holds them, and gives them back when the store closes;
 * meanwhile nobody else sees those that were paged, and a second look waits for them for a while.
 */
export async function createDeadLetterStore(context: DriverContext, of: Address): Promise<DeadLetterStore> {
  const place = await openPlace(context, of);
  const look = new Look(context, of, place);
  return {
    async count() {
      const { visible, inFlight, delayed } = await countsAt(place.endpoint, place.deadLettersUrl);
      return { value: visible + inFlight + delayed, exact: false };
    },
    async page(cursor, { limit }) {
      if (cursor === undefined) await look.end();
      const letters = await look.next(limit);
      return { letters, cursor: letters.length < limit ? undefined : 'next' };
    },
    requeue: (refs) => look.requeue(refs),
    remove: (refs) => look.remove(refs),
    close: () => look.end(),
  };
}

/** One letter, held. */
interface Held {
  readonly delivery: Delivery;
  readonly letter: StoredLetter;
  readonly sentMs: number;
}

/** One walk through the letters, from the oldest. */
class Look {
  readonly #context: DriverContext;
  readonly #of: Address;
  readonly #target: Place;
  readonly #place: Place;
  readonly #leases: Leases;
  readonly #settler: Settler;
  readonly #letters = new WeakMap<Delivery, StoredLetter>();
  /** Held and not paged. */
  #window: StoredLetter[] = [];

  constructor(context: DriverContext, of: Address, target: Place) {
    const { clock } = context;
    this.#context = context;
    this.#of = of;
    this.#target = target;
    this.#place = { ...target, url: target.deadLettersUrl };
    this.#leases = new Leases({
      place: this.#place,
      clock,
      leaseMs: holdMs,
      firstLeaseMs: holdMs,
      onLost: () => undefined,
    });
    const marks = new Marks(context, target.endpoint, this.#place.url);
    this.#settler = new Settler({
      context,
      place: this.#place,
      leases: this.#leases,
      marks,
      onReleased: () => undefined,
    });
  }

  async next(limit: number): Promise<readonly StoredLetter[]> {
    const letters: StoredLetter[] = [];
    while (letters.length < limit && (this.#window.length > 0 || (await this.#fill())))
      letters.push(...this.#window.splice(0, limit - letters.length));
    return letters;
  }

  /** As it was sent, at attempt 1, to its group alone; what SQS confirmed is removed here. */
  async requeue(refs: readonly Token[]): Promise<readonly SettleResult[]> {
    const open = [...new Set(refs.filter((ref): ref is Delivery => this.#leases.has(ref) && !ref.isCopied))];
    this.#leases.loseExpired(open);
    const ours = open.filter(({ result }) => result === undefined);
    const { endpoint, url, isFifo } = this.#target;
    const entries = ours.map((delivery) => this.#entryOf(delivery, isFifo));
    const answers = await byBatches(entries, (batch) => endpoint.send(url, batch), { bytesOf, inOrder: isFifo });
    const errors = new Map<Token, unknown>();
    for (const [index, delivery] of ours.entries()) {
      const answer = answers[index];
      if (answer?.ok === true) delivery.isCopied = true;
      else errors.set(delivery, answer?.error);
    }
    const removed = await this.remove(refs.filter((ref) => !errors.has(ref)));
    let next = 0;
    return refs.map((ref) =>
      errors.has(ref) ? { ok: false, reason: 'error', error: errors.get(ref) } : (removed[next++] ?? lost),
    );
  }

  remove(refs: readonly Token[]): Promise<readonly SettleResult[]> {
    return this.#settler.settle(refs.map((token) => ({ token, outcome: { kind: 'acknowledge' } })));
  }

  /** What was neither sent back nor removed is a dead letter as before, as soon as this has resolved. */
  async end(): Promise<void> {
    this.#window = [];
    const left = [...this.#leases.all];
    if (left.length > 0)
      await this.#settler.settle(left.map((token) => ({ token, outcome: { kind: 'release', delayMs: 0 } })));
    for (const delivery of left) this.#leases.drop(delivery);
    this.#leases.stop();
  }

  /** False: that was all. What another look holds is waited for as long as it may hold it after its end. */
  async #fill(): Promise<boolean> {
    const { clock } = this.#context;
    const found: Held[] = [];
    const giveUpAt = clock.now() + holdMs + 1000;
    let bytes = 0;
    while (found.length < windowSize && bytes < windowBytes) {
      const held = await this.#receive();
      found.push(...held);
      for (const { delivery } of held) bytes += delivery.bytes;
      if (held.length > 0) continue;
      if (found.length > 0 || clock.now() >= giveUpAt || !(await this.#othersHold())) break;
    }
    this.#window = found.toSorted(oldestFirst).map(({ letter }) => letter);
    return found.length > 0;
  }

  /** A poll, however short, asks all servers of SQS: what comes back empty is. */
  async #receive(): Promise<readonly Held[]> {
    const { endpoint, url } = this.#place;
    const messages = await endpoint.receive(url, {
      maxMessages: maxEntries,
      waitSeconds: 1,
      leaseSeconds: holdMs / 1000,
    });
    const nowMs = this.#context.clock.now();
    return messages.map((raw) => {
      const delivery = new Delivery(raw, nowMs, holdMs);
      this.#leases.add(delivery);
      const letter = decodeLetter(raw, delivery, { destination: this.#of.name, nowMs });
      this.#letters.set(delivery, letter);
      return { delivery, letter, sentMs: Number(raw.Attributes?.SentTimestamp ?? nowMs) };
    });
  }

  async #othersHold(): Promise<boolean> {
    const { endpoint, url } = this.#place;
    const { visible, inFlight } = await countsAt(endpoint, url);
    return visible > 0 || inFlight > this.#leases.all.size;
  }

  #entryOf(delivery: Delivery, isFifo: boolean): SendEntry {
    const { failure: _failure, ref: _ref, ...message } = this.#letters.get(delivery) as StoredLetter;
    const encoded = encodeMessage(message);
    const { id, key } = message;
    if (!isFifo) return { ...encoded, ...fairGroup(this.#context.tuning.fairQueues, key) };
    return {
      ...encoded,
      groupId: groupOf(key, id),
      deduplicationId: deduplicationId(id, delivery.generation),
    };
  }
}

function oldestFirst(a: Held, b: Held): number {
  const order = a.sentMs - b.sentMs || a.letter.failure.lastFailedAt - b.letter.failure.lastFailedAt;
  return order === 0 ? (a.delivery.messageId < b.delivery.messageId ? -1 : 1) : order;
}
