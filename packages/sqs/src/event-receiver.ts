import {
  lost,
  type Received,
  type ReceiveOptions,
  type Receiver,
  type ReceiverOptions,
  type Settlement,
  type SettleResult,
  takeFitting,
  type Token,
} from '@anymq/core/driver';
import type { BatchAnswer } from './batches.ts';
import { Delivery } from './delivery.ts';
import type { DriverContext, Place } from './driver-context.ts';
import { decodeMessage, isWaitingGroup } from './encoding.ts';
import { Leases } from './leases.ts';
import { Marks } from './marks.ts';
import { Settler } from './settlement.ts';
import type { QueueEndpoint, RawMessage } from './sqs-endpoint.ts';
import { Suspicion } from './suspicion.ts';
import { Waiting } from './waiting.ts';
import { Wakeup } from './wakeup.ts';

/** The longest that a function may run is far below this: its messages are Lambda's to keep. */
const leaseMs = 43_200_000;

/**
 * Hands out the messages that Lambda has received, once. Copies and dead letters are written to SQS; what is settled is left to Lambda to
 * delete, and anything else is reported as failed, and comes back when its visibility ends.
 */
export class EventReceiver implements Receiver {
  readonly #all: readonly Delivery[];
  readonly #leases: Leases;
  readonly #marks: Marks;
  readonly #suspicion: Suspicion;
  readonly #settler: Settler;
  readonly #waiting: Waiting;
  readonly #wakeup = new Wakeup();
  readonly #finish: PromiseWithResolvers<void> = Promise.withResolvers();
  /** Receipts of what Lambda may delete. */
  readonly #done = new Set<string>();
  readonly #open = new Set<Delivery>();
  #ready: Delivery[] | undefined;
  readonly #isFifo: boolean;
  #isOver = false;
  #onLost: ReceiverOptions['onLost'] = () => undefined;

  constructor(context: DriverContext, place: Place, messages: readonly RawMessage[], destination: string) {
    const nowMs = context.clock.now();
    this.#isFifo = place.isFifo;
    const kept: Place = { ...place, endpoint: this.#keeping(place.endpoint) };
    this.#leases = new Leases({
      place: kept,
      clock: context.clock,
      leaseMs,
      firstLeaseMs: leaseMs,
      onLost: (tokens, reason) => this.#onLost(tokens, reason),
    });
    this.#marks = new Marks(context, place.endpoint, place.url);
    this.#suspicion = new Suspicion(this.#marks);
    // What is not due is made invisible for real.
    const hiding: QueueEndpoint = {
      ...kept.endpoint,
      changeVisibility: (url, items) => place.endpoint.changeVisibility(url, items),
    };
    this.#waiting = new Waiting(context, { ...kept, endpoint: hiding });
    this.#settler = new Settler({
      context,
      place: kept,
      leases: this.#leases,
      marks: this.#marks,
      onReleased: () => undefined,
    });
    this.#all = messages.map((raw) => deliveryOf(raw, destination, nowMs));
    for (const delivery of this.#all) this.#open.add(delivery);
  }

  /** Resolves when everything has been settled, or went back. */
  get finished(): Promise<void> {
    return this.#finish.promise;
  }

  listen(onLost: ReceiverOptions['onLost']): void {
    this.#onLost = onLost;
  }

  async receive({ signal, maxMessages, maxBytes }: ReceiveOptions): Promise<readonly Received[]> {
    this.#ready ??= await this.#begin();
    const abort = (): void => this.#wakeup.wake();
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (this.#ready.length === 0 && !signal.aborted) await this.#wakeup.next();
    } finally {
      signal.removeEventListener('abort', abort);
    }
    if (signal.aborted) return [];
    const taken = takeFitting(this.#ready, maxMessages, maxBytes);
    for (const delivery of taken) this.#leases.handOut(delivery);
    return taken.map(({ received }) => received as Received);
  }

  markStarted(tokens: readonly Token[]): Promise<void> {
    return this.#marks.begin(tokens.filter((token): token is Delivery => this.#leases.has(token)));
  }

  async extendLease(): Promise<void> {}

  async settleBatch(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    if (this.#isOver) return items.map(() => lost);
    const results = await this.#settler.settle(items);
    for (const { token } of items) if (token instanceof Delivery && token.result !== undefined) this.#end(token);
    return results;
  }

  async close(): Promise<void> {
    await this.#waiting.close();
    this.#leases.stop();
    this.#wakeup.wake();
    this.#finish.resolve();
  }

  /** The answer is given: what is settled now would be settled twice. */
  end(): void {
    this.#isOver = true;
  }

  /** In the order of the event; in a FIFO queue with everything that follows a failed one of its group. */
  failed(): readonly string[] {
    const broken = new Set<string>();
    return this.#all
      .filter(({ receipt, group }) => {
        const isFailed = !this.#done.has(receipt) || (group !== undefined && broken.has(group));
        if (isFailed && this.#isFifo && group !== undefined) broken.add(group);
        return isFailed;
      })
      .map(({ messageId }) => messageId);
  }

  async #begin(): Promise<Delivery[]> {
    await this.#suspicion.look(this.#all);
    const early = this.#all.filter(({ group }) => isWaitingGroup(group));
    for (const delivery of early) {
      this.#waiting.take(delivery);
      this.#end(delivery);
    }
    const ready = this.#all.filter(({ group }) => !isWaitingGroup(group));
    for (const delivery of ready) this.#leases.add(delivery);
    return ready;
  }

  #end(delivery: Delivery): void {
    this.#open.delete(delivery);
    if (this.#open.size === 0) this.#finish.resolve();
  }

  /** Deletes are Lambda's, and so is the time until what failed comes again. */
  #keeping(endpoint: QueueEndpoint): QueueEndpoint {
    const well = (count: number): readonly BatchAnswer[] =>
      Array.from({ length: count }, () => ({ ok: true }) as const);
    return {
      url: (name) => endpoint.url(name),
      attributes: (url, names) => endpoint.attributes(url, names),
      receive: (url, options) => endpoint.receive(url, options),
      send: (url, entries, signal) => endpoint.send(url, entries, signal),
      delete: async (_url, receipts) => {
        for (const receipt of receipts) this.#done.add(receipt);
        return well(receipts.length);
      },
      changeVisibility: async (_url, items) => well(items.length),
      tags: (url) => endpoint.tags(url),
      tag: (url, tags) => endpoint.tag(url, tags),
      untag: (url, keys) => endpoint.untag(url, keys),
    };
  }
}

function deliveryOf(raw: RawMessage, destination: string, nowMs: number): Delivery {
  const delivery = new Delivery(raw, nowMs, leaseMs);
  delivery.receives = Number(raw.Attributes?.ApproximateReceiveCount ?? 1);
  const message = decodeMessage(raw, { destination, nowMs });
  message.token = delivery;
  if (delivery.receives > 1) message.redelivered = true;
  delivery.received = message;
  return delivery;
}
