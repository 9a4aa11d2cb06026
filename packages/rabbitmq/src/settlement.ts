import {
  type Address,
  lost,
  type OutgoingMessage,
  settled,
  type Settlement,
  type SettleOutcome,
  type SettleResult,
  type Token,
} from '@anymq/core/driver';
import { type Delivery, isDelivery } from './delivery.ts';
import type { DriverContext } from './driver-context.ts';
import { copyOf, decodeMessage, type Encoded, encodeMessage } from './encoding.ts';
import type { Feed } from './feed.ts';
import type { Marks } from './marks.ts';
import { ship, type Shipment } from './routes.ts';
import type { PublishResult } from './publisher.ts';

export interface SettlerOptions {
  readonly context: DriverContext;
  readonly from: Address;
  readonly deadLetters: string;
  readonly marks: Marks;
  /** True: what is released is kept, because its place is; else it goes back as an uncharged copy. */
  readonly isOrdered: boolean;
  /** After each batch. */
  readonly onSettled: () => void;
}

interface Copy {
  readonly delivery: Delivery;
  readonly shipment: Shipment;
}

/** Settles deliveries of any feed. A copy is confirmed before its original is acknowledged. */
export class Settler {
  readonly #options: SettlerOptions;
  /** What goes on beside, and has to end before the receiver closes. */
  readonly #errands = new Set<Promise<void>>();

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  async settle(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    const acknowledged: Delivery[] = [];
    const copies: Copy[] = [];
    const kept: Delivery[] = [];
    const nacked: Delivery[] = [];
    for (const { token, outcome } of items) {
      if (!isDelivery(token) || token.result !== undefined || token.settling !== undefined) continue;
      if (outcome.kind === 'acknowledge') acknowledged.push(token);
      else if (outcome.kind === 'release' && this.#options.isOrdered) kept.push(token);
      else if (outcome.kind === 'release' && outcome.delayMs <= 0 && token.isSuspect) nacked.push(token);
      else copies.push({ delivery: token, shipment: this.#shipment(token, outcome) });
    }
    this.#acknowledge(acknowledged);
    this.#keep(kept);
    for (const delivery of nacked) track(delivery, this.#nack(delivery));
    if (copies.length > 0) this.#copy(copies);
    const results = await Promise.all(items.map(({ token }) => resultOf(token)));
    this.#options.onSettled();
    const feeds = new Set(items.flatMap(({ token }) => (isDelivery(token) ? [token.feed] : [])));
    await Promise.all([...feeds].map((feed) => feed.fence()));
    return results.map((result, index) => this.#known(items[index]?.token, result));
  }

  /** An acknowledgement whose channel went before the broker had it came too late. */
  #known(token: Token | undefined, result: SettleResult): SettleResult {
    return isDelivery(token) && token.result === lost ? lost : result;
  }

  /** Messages that core never had go back to their queue. What cannot be copied now is left to the end of the channel. */
  async giveBack(buffered: readonly Delivery[]): Promise<void> {
    const suspects = buffered.filter(({ isSuspect }) => isSuspect);
    for (const delivery of suspects) delivery.feed.giveBack(delivery);
    const release: SettleOutcome = { kind: 'release', delayMs: 0 };
    const others = buffered.filter(({ isSuspect, result }) => !isSuspect && result === undefined);
    await this.settle(others.map((token) => ({ token, outcome: release })));
  }

  /** Their runs were not the end of this process. */
  survived(identities: readonly string[]): void {
    for (const identity of identities) this.#errand(this.#options.marks.takeBack(identity));
  }

  async idle(): Promise<void> {
    await Promise.all(this.#errands);
  }

  #acknowledge(deliveries: readonly Delivery[]): void {
    const suspects = deliveries
      .filter(({ marks, markedAs }) => markedAs !== undefined || (marks ?? 0) > 0)
      .map(({ identity }) => identity);
    for (const [feed, each] of byFeed(deliveries)) {
      if (!feed.acknowledge(each)) for (const delivery of each) delivery.result = lost;
    }
    for (const identity of suspects) this.#errand(this.#options.marks.clear(identity));
  }

  #keep(deliveries: readonly Delivery[]): void {
    this.survived(marksOf(deliveries));
    for (const [feed, each] of byFeed(deliveries)) {
      if (!feed.isEnded) feed.keep(each);
      for (const delivery of each) delivery.end(feed.isEnded ? lost : settled);
    }
  }

  /** A suspect stays one: a copy would begin a new life. */
  async #nack(delivery: Delivery): Promise<SettleResult> {
    if (delivery.markedAs !== undefined) await this.#options.marks.takeBack(delivery.markedAs);
    if (delivery.result !== undefined) return delivery.result;
    const result = delivery.feed.giveBack(delivery) ? settled : lost;
    delivery.end(result);
    return result;
  }

  #copy(copies: readonly Copy[]): void {
    const publishing = ship(
      this.#options.context,
      copies.map(({ shipment }) => shipment),
    );
    copies.forEach(({ delivery }, index) => {
      track(
        delivery,
        publishing.then((results) => this.#afterCopy(delivery, results[index])),
      );
    });
  }

  #afterCopy(delivery: Delivery, error: PublishResult): SettleResult {
    delivery.settling = undefined;
    if (delivery.result !== undefined) return delivery.result;
    if (error !== undefined) return { ok: false, reason: 'error', error };
    this.#acknowledge([delivery]);
    return delivery.result ?? lost;
  }

  #shipment(delivery: Delivery, outcome: Exclude<SettleOutcome, { readonly kind: 'acknowledge' }>): Shipment {
    const { context, deadLetters } = this.#options;
    const home = { queue: delivery.feed.queue };
    switch (outcome.kind) {
      case 'retry':
        return { target: home, encoded: this.#encode(delivery, outcome), dueAt: outcome.dueAt };
      case 'deadLetter': {
        const { failure } = outcome;
        return {
          target: { queue: deadLetters },
          encoded: this.#encode(delivery, { attempt: failure.attempts, failure }),
          dueAt: undefined,
        };
      }
      case 'release': {
        const dueAt = outcome.delayMs > 0 ? context.clock.now() + outcome.delayMs : undefined;
        return { target: home, encoded: copyOf(messageOf(delivery), dueAt), dueAt };
      }
    }
  }

  #encode(delivery: Delivery, meta: Parameters<typeof encodeMessage>[1]): Encoded {
    const original = messageOf(delivery);
    const message: OutgoingMessage = decodeMessage(
      original,
      this.#options.context.clock.now(),
      this.#options.from.name,
    );
    return encodeMessage({ ...message, id: delivery.id }, meta, original.properties);
  }

  #errand(work: Promise<void>): void {
    const errand = work
      .catch(this.#options.context.tell('an errand of a settlement'))
      .finally(() => this.#errands.delete(errand));
    this.#errands.add(errand);
  }
}

async function resultOf(token: Token): Promise<SettleResult> {
  return isDelivery(token) ? (token.result ?? token.settling ?? lost) : lost;
}

/** Runs that were begun, by what identifies their messages. */
export function marksOf(deliveries: readonly Delivery[]): string[] {
  return deliveries.flatMap(({ markedAs }) => (markedAs === undefined ? [] : [markedAs]));
}

function track(delivery: Delivery, settling: Promise<SettleResult>): void {
  delivery.settling = settling.finally(() => (delivery.settling = undefined));
}

function messageOf({ message }: Delivery): NonNullable<Delivery['message']> {
  if (message === undefined) throw new TypeError('A delivery that has ended has no message.');
  return message;
}

function byFeed(deliveries: readonly Delivery[]): Map<Feed, Delivery[]> {
  const groups = new Map<Feed, Delivery[]>();
  for (const delivery of deliveries) {
    const group = groups.get(delivery.feed);
    if (group === undefined) groups.set(delivery.feed, [delivery]);
    else group.push(delivery);
  }
  return groups;
}
