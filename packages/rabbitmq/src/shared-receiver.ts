import type {
  Address,
  LostReason,
  Received,
  Receiver,
  ReceiveOptions,
  ReceiverOptions,
  Settlement,
  SettleResult,
  Timer,
  Token,
} from '@anymq/core/driver';
import { type Delivery, isDelivery } from './delivery.ts';
import type { DriverContext } from './driver-context.ts';
import { asError } from './errors.ts';
import { Feed } from './feed.ts';
import { Marks } from './marks.ts';
import { namesOf } from './names.ts';
import {
  disconnected,
  handOut,
  markAll,
  shareOf,
  takeFrom,
  unlessAborted,
  Waiting,
  whileGoing,
  within,
} from './receiving.ts';
import { marksOf, Settler } from './settlement.ts';
import { Suspicion } from './suspicion.ts';

/** What nobody has asked for after so long goes to another member. */
const idleMs = 1000;
/** Of a consumer on a quorum queue. */
const maxCredit = 2000;
const giveBackWithinMs = 3000;

/**
 * Pull over push, from a queue whose order does not matter. The broker may send as much as core has asked for and holds:
 * when that grows, a consumer that may have more takes over on the same channel. When core stops asking, all that has arrived
 * goes back.
 */
export class SharedReceiver implements Receiver {
  readonly #context: DriverContext;
  readonly #from: Address;
  readonly #options: ReceiverOptions;
  readonly #queue: string;
  readonly #marks: Marks;
  readonly #settler: Settler;
  readonly #suspicion = new Suspicion();
  readonly #waiting = new Waiting();
  #feed: Feed | undefined;
  #opening: Promise<Feed> | undefined;
  /** Runs that the process has survived although their channel was lost. */
  #survivors: string[] = [];
  #wasOpen = false;
  #isClosed = false;
  #growing: Promise<void> | undefined;
  /** The consumers are ended, and what has arrived goes back. */
  #resetting: Promise<void> | undefined;
  #idle: Timer;
  #leaveDrain: (() => Promise<void>) | undefined;

  constructor(context: DriverContext, from: Address, options: ReceiverOptions) {
    const { queues, deadLetters } = namesOf(context.namespace, from);
    this.#context = context;
    this.#from = from;
    this.#options = options;
    this.#queue = queues[0] ?? '';
    this.#marks = new Marks(context, this.#queue);
    this.#settler = new Settler({
      context,
      from,
      deadLetters,
      marks: this.#marks,
      isOrdered: false,
      onSettled: () => undefined,
    });
  }

  /** @throws when the queue is not there */
  async open(): Promise<void> {
    const feed = await this.#current();
    await feed.ready();
    this.#wasOpen = true;
    this.#leaveDrain = this.#context.drain.join();
  }

  async receive(request: ReceiveOptions): Promise<readonly Received[]> {
    const { signal } = request;
    if (this.#isClosed || signal.aborted) return [];
    this.#context.clock.clearTimeout(this.#idle);
    try {
      const feed = await unlessAborted(this.#current(), signal);
      const taken = feed === undefined ? [] : await this.#take(feed, request);
      return await handOut(this.#context, this.#from, this.#marks, taken, () => feed?.buffer ?? []);
    } catch (error) {
      throw this.#wasOpen ? whileGoing(error, this.#queue) : asError(error);
    } finally {
      this.#afterReceive(signal);
    }
  }

  markStarted(tokens: readonly Token[]): Promise<void> {
    return markAll(this.#marks, tokens.filter(isDelivery));
  }

  /** The connection is the lease. */
  async extendLease(): Promise<void> {}

  settleBatch(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    return this.#settler.settle(items);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#context.clock.clearTimeout(this.#idle);
    this.#waiting.wake();
    await this.#leaveDrain?.();
    // Whoever receives is told.
    await this.#opening?.catch(() => undefined);
    const feed = this.#feed;
    if (feed !== undefined) {
      this.#reset(feed);
      await within(this.#context.clock, giveBackWithinMs, Promise.all([this.#resetting, this.#settler.idle()]));
      await feed.close();
      this.#feed = undefined;
    }
    await this.#marks.close();
  }

  #current(): Promise<Feed> {
    this.#opening ??= this.#ensure().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #ensure(): Promise<Feed> {
    await this.#resetting;
    if (this.#feed !== undefined && !this.#feed.isEnded) return this.#feed;
    const feed = await Feed.open(this.#context.consuming, {
      queue: this.#queue,
      partition: 0,
      suspicion: this.#suspicion,
      onArrival: () => this.#waiting.wake(),
      onEnd: (feed, held, reason) => this.#onEnd(feed, held, reason),
    });
    this.#feed = feed;
    this.#settler.survived(this.#survivors.splice(0));
    return feed;
  }

  async #take(feed: Feed, request: ReceiveOptions): Promise<Delivery[]> {
    const taken: Delivery[] = [];
    const startedAt = this.#context.clock.now();
    this.#grow(feed, request);
    while (feed.buffer.length === 0 && !request.signal.aborted && !this.#isClosed) {
      if (feed.isEnded) throw disconnected(feed);
      if (this.#context.clock.now() - startedAt > 10_000) break;
      await this.#waiting.wait(this.#context, request.signal);
      // A step that was under way when this was asked for may have been too small for it.
      this.#grow(feed, request);
    }
    if (!this.#isClosed) takeFrom(feed, shareOf(request), taken);
    return taken;
  }

  /** The broker may have sent, and not heard of again, what core holds and what it asks for now. */
  #grow(feed: Feed, { maxMessages, maxBytes }: ReceiveOptions): void {
    if (this.#growing !== undefined) return;
    const asked = Math.min(maxMessages, Math.max(1, Math.floor(maxBytes / feed.averageBytes)));
    const inHands = feed.unsettled - feed.buffer.length;
    const wanted = Math.min(this.#options.maxInFlight, maxCredit, inHands + asked);
    if (wanted <= feed.credit) return;
    // At least half as much again: a step costs the broker two commands.
    const credit = Math.min(this.#options.maxInFlight, maxCredit, Math.max(wanted, Math.ceil(feed.credit * 1.5)));
    this.#growing = feed
      .consumeInstead(credit)
      .catch((error: unknown) => {
        this.#waiting.wake(asError(error));
      })
      .finally(() => {
        this.#growing = undefined;
        this.#waiting.wake();
      });
  }

  #afterReceive(signal: AbortSignal): void {
    if (this.#isClosed) return;
    // Core does not abort to ask again at once: what is here would only wait.
    const stopAsking = (): void => {
      if (this.#feed !== undefined) this.#reset(this.#feed);
    };
    if (signal.aborted) stopAsking();
    else this.#idle = this.#context.clock.setTimeout(stopAsking, idleMs);
  }

  #reset(feed: Feed): void {
    if (this.#resetting !== undefined || feed.isEnded || (feed.credit === 0 && feed.buffer.length === 0)) return;
    this.#resetting = this.#empty(feed)
      .catch(this.#context.tell('giving back what had arrived'))
      .finally(() => (this.#resetting = undefined));
  }

  async #empty(feed: Feed): Promise<void> {
    await this.#growing;
    await feed.cancel();
    const { buffer } = feed;
    feed.buffer = [];
    await this.#settler.giveBack(buffer);
  }

  #onEnd(feed: Feed, held: readonly Delivery[], reason: LostReason): void {
    this.#survivors.push(...marksOf(held));
    this.#options.onLost(held, reason);
    this.#waiting.wake(disconnected(feed));
  }
}
