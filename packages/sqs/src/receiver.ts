import {
  type Address,
  type Received,
  type Receiver,
  type ReceiveOptions,
  type ReceiverOptions,
  type Settlement,
  type SettleResult,
  sleep,
  type Token,
} from '@anymq/core/driver';
import { Delivery } from './delivery.ts';
import { type DriverContext, openPlace, type Place } from './driver-context.ts';
import { decodeMessage, isWaitingGroup } from './encoding.ts';
import { isMissing, ownError } from './errors.ts';
import { Leases } from './leases.ts';
import { Marks } from './marks.ts';
import { Polls } from './polls.ts';
import { Settler } from './settlement.ts';
import type { RawMessage } from './sqs-endpoint.ts';
import { Stock } from './stock.ts';
import { Suspicion } from './suspicion.ts';
import { Waiting } from './waiting.ts';
import { Wakeup } from './wakeup.ts';

/** A receive comes back with nothing after so long. */
const waitMs = 20_000;
/** A queue that is gone may come again: a name can be used again after a minute. */
const missingForMs = 70_000;

/** Receives from a queue, or from the queue of a group. @throws when it is not there */
export async function createReceiver(
  context: DriverContext,
  from: Address,
  options: ReceiverOptions,
): Promise<Receiver> {
  return new SqsReceiver(context, from, options, await openPlace(context, from));
}

class SqsReceiver implements Receiver {
  readonly #context: DriverContext;
  readonly #from: Address;
  readonly #firstLeaseMs: number;
  readonly #polls: Polls;
  readonly #leases: Leases;
  readonly #marks: Marks;
  readonly #suspicion: Suspicion;
  readonly #stock: Stock;
  readonly #waiting: Waiting;
  readonly #wakeup = new Wakeup();
  #failure: { readonly error: unknown } | undefined;
  /** Of the last call, and of what it asked for, which may come after it. */
  #signal: AbortSignal | undefined;
  #missingSince: number | undefined;
  #largest = 1;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(context: DriverContext, from: Address, { leaseMs, onLost }: ReceiverOptions, place: Place) {
    const { tuning, clock } = context;
    const firstSeconds = Math.min(Math.ceil(leaseMs / 1000), tuning.firstLeaseSeconds);
    this.#context = context;
    this.#from = from;
    this.#firstLeaseMs = firstSeconds * 1000;
    this.#leases = new Leases({
      place,
      clock,
      leaseMs,
      firstLeaseMs: this.#firstLeaseMs,
      onLost: (lost, reason) => {
        this.#outlive(lost.filter((token) => token instanceof Delivery));
        onLost(lost, reason);
      },
    });
    this.#marks = new Marks(context, place.endpoint, place.url);
    this.#suspicion = new Suspicion(this.#marks);
    this.#waiting = new Waiting(context, place);
    const settler = new Settler({
      context,
      place,
      leases: this.#leases,
      marks: this.#marks,
      onReleased: ({ messageId }) => this.#suspicion.clear(messageId),
    });
    this.#stock = new Stock({ place, leases: this.#leases, settler, logger: context.logger });
    this.#polls = new Polls({
      endpoint: place.endpoint,
      url: place.url,
      maxPollers: tuning.maxPollers,
      waitSeconds: tuning.pollSeconds,
      leaseSeconds: firstSeconds,
      onMessages: (messages) => this.#keep(messages),
      onEnd: (error) => this.#onPollEnd(error),
    });
  }

  async receive(options: ReceiveOptions): Promise<readonly Received[]> {
    if (this.#isClosed || options.signal.aborted) return [];
    this.#listenTo(options.signal);
    await this.#fill(options);
    return this.#handOut(options);
  }

  markStarted(tokens: readonly Token[]): Promise<void> {
    return this.#marks.begin(tokens.filter((token): token is Delivery => this.#leases.has(token)));
  }

  /** Their leases have ended, and this process has not: that was no death. */
  #outlive(deliveries: readonly Delivery[]): void {
    for (const { messageId } of deliveries) this.#suspicion.clear(messageId);
    this.#marks.takeBack(deliveries.filter(({ isMarked }) => isMarked)).catch((error: unknown) =>
      this.#context.logger.debug('A mark was left behind.', {
        error: error instanceof Error ? error.name : typeof error,
      }),
    );
  }

  async extendLease(tokens: readonly Token[]): Promise<void> {
    const held = tokens.filter((token): token is Delivery => this.#leases.has(token));
    this.#leases.loseExpired(held);
    await this.#leases.extend(held.filter(({ result }) => result === undefined));
  }

  settleBatch(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    return this.#stock.settle(items);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Until there is something to hand out, the signal aborts, or nothing came for a while. */
  async #fill(options: ReceiveOptions): Promise<void> {
    const { clock } = this.#context;
    const endAt = clock.now() + waitMs;
    const over = new AbortController();
    try {
      while (this.#stock.isEmpty && !this.#isClosed && !options.signal.aborted && clock.now() < endAt) {
        this.#throwFailure();
        const woken = this.#wakeup.next();
        // All that waits in lanes is of the one partition that there is.
        if (options.pausedPartitions?.has(0) === true)
          await Promise.race([woken, sleep(clock, endAt - clock.now(), over.signal)]);
        else {
          this.#polls.fill(this.#fitting(options));
          await woken;
        }
      }
    } finally {
      over.abort();
    }
  }

  #fitting({ maxMessages, maxBytes }: ReceiveOptions): number {
    return Math.max(1, Math.min(maxMessages, Math.floor(maxBytes / this.#largest)));
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === undefined) return;
    const { clock } = this.#context;
    if (!isMissing(failure.error)) throw failure.error;
    this.#missingSince ??= clock.now();
    if (clock.now() - this.#missingSince >= missingForMs) throw failure.error;
    throw ownError(
      'NOT_CONNECTED',
      'The queue is not there. It may have been deleted to be made again.',
      failure.error,
    );
  }

  /** Also after the call that it came with: until the next one nobody waits. */
  #listenTo(signal: AbortSignal | undefined): void {
    if (this.#signal === signal) return;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => {
    this.#stock.empty();
    this.#wakeup.wake();
  };

  #handOut({ maxMessages, maxBytes }: ReceiveOptions): readonly Received[] {
    if (this.#isClosed) return [];
    return this.#stock.take(maxMessages, maxBytes).map(({ received }) => received as Received);
  }

  /** What a poll brought. */
  async #keep(messages: readonly RawMessage[]): Promise<void> {
    this.#missingSince = undefined;
    this.#failure = undefined;
    const nowMs = this.#context.clock.now();
    const deliveries = messages.map((raw) => this.#deliveryOf(raw, nowMs));
    const [ours, early] = [
      deliveries.filter(({ group }) => !isWaitingGroup(group)),
      deliveries.filter(({ group }) => isWaitingGroup(group)),
    ];
    for (const delivery of early) this.#waiting.take(delivery);
    for (const delivery of ours) this.#leases.add(delivery);
    await this.#suspicion.look(ours);
    if (this.#isClosed || this.#signal?.aborted === true) await this.#stock.giveBack(ours);
    else this.#stock.add(ours);
  }

  #deliveryOf(raw: RawMessage, nowMs: number): Delivery {
    const delivery = new Delivery(raw, nowMs, this.#firstLeaseMs);
    const message = decodeMessage(raw, { destination: this.#from.name, nowMs });
    message.token = delivery;
    const receives = Number(raw.Attributes?.ApproximateReceiveCount ?? 1);
    if (receives > 1) message.redelivered = true;
    delivery.receives = receives;
    delivery.received = message;
    this.#largest = Math.max(delivery.bytes, this.#largest * 0.9);
    return delivery;
  }

  #onPollEnd(error: unknown): void {
    if (error !== undefined) this.#failure = { error };
    this.#wakeup.wake();
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#listenTo(undefined);
    this.#wakeup.wake();
    await Promise.all([this.#polls.end(), this.#waiting.close(), this.#stock.returned()]);
    await this.#stock.giveBack([...this.#leases.all]);
    this.#leases.stop();
  }
}
