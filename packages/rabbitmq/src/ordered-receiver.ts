import { createHash, randomUUID } from 'node:crypto';
import {
  type Address,
  type LostReason,
  type Received,
  type Receiver,
  type ReceiveOptions,
  type ReceiverOptions,
  type Settlement,
  type SettleResult,
  type Timer,
  type Token,
} from '@anymq/core/driver';
import { type Delivery, isDelivery } from './delivery.ts';
import type { DriverContext } from './driver-context.ts';
import { asError } from './errors.ts';
import { Feed } from './feed.ts';
import { Marks } from './marks.ts';
import { namesOf } from './names.ts';
import { disconnected, handOut, markAll, shareOf, takeFrom, unlessAborted, Waiting, whileGoing } from './receiving.ts';
import { marksOf, Settler } from './settlement.ts';
import { Suspicion } from './suspicion.ts';

const maxPrefetch = 1000;
const lookMs = 1000;
const looksUntilSuperseded = 2;

/** One partition, as this member sees it. */
interface Lane {
  readonly queue: string;
  readonly partition: number;
  readonly priority: number;
  feed: Feed | undefined;
  opening: Promise<Feed> | undefined;
  /** Another member is to have it: nothing more of it is handed out, and the channel closes when nothing is held. */
  isLeaving: boolean;
  arrived: number;
  looks: number;
}

/**
 * An ordered destination: every member consumes every partition, and the broker feeds one of them, the one with the highest
 * priority, which is a number drawn by lot for each member and partition. So members share the partitions without talking.
 * A partition is never left by a nack or a cancel, after which followers would overtake: only by the end of its channel.
 */
export class OrderedReceiver implements Receiver {
  readonly #context: DriverContext;
  readonly #from: Address;
  readonly #options: ReceiverOptions;
  readonly #lanes: readonly Lane[];
  readonly #prefetch: number;
  readonly #marks: Marks;
  readonly #settler: Settler;
  readonly #suspicion = new Suspicion();
  readonly #waiting = new Waiting();
  #survivors: string[] = [];
  #wasOpen = false;
  #isClosed = false;
  /** Where the next batch begins, so that no partition is left behind. */
  #turn = 0;
  #look: Timer;
  #leaveDrain: (() => Promise<void>) | undefined;

  constructor(context: DriverContext, from: Address, options: ReceiverOptions) {
    const { queues, deadLetters } = namesOf(context.namespace, from);
    const member = randomUUID();
    this.#context = context;
    this.#from = from;
    this.#options = options;
    this.#prefetch = Math.min(maxPrefetch, Math.max(1, Math.ceil(options.maxInFlight / queues.length)));
    this.#lanes = queues.map((queue, partition) => ({
      queue,
      partition,
      priority: lotOf(member, partition),
      feed: undefined,
      opening: undefined,
      isLeaving: false,
      arrived: 0,
      looks: 0,
    }));
    this.#marks = new Marks(context, queues[0] ?? '');
    this.#settler = new Settler({
      context,
      from,
      deadLetters,
      marks: this.#marks,
      isOrdered: true,
      onSettled: () => this.#leaveIdle(),
    });
  }

  /** @throws when a queue is not there */
  async open(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => this.#openLane(lane)));
    this.#wasOpen = true;
    this.#leaveDrain = this.#context.drain.join();
  }

  async receive(request: ReceiveOptions): Promise<readonly Received[]> {
    const { signal } = request;
    if (this.#isClosed || signal.aborted) return [];
    try {
      const opened = await unlessAborted(Promise.all(this.#lanes.map((lane) => this.#openLane(lane))), signal);
      if (opened === undefined) return [];
      this.#settler.survived(this.#survivors.splice(0));
      const taken = await this.#take(request);
      const buffered = () => this.#lanes.flatMap(({ feed }) => feed?.buffer ?? []);
      return await handOut(this.#context, this.#from, this.#marks, taken, buffered);
    } catch (error) {
      throw this.#wasOpen ? whileGoing(error, this.#lanes[0]?.queue ?? '') : asError(error);
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
    this.#context.clock.clearTimeout(this.#look);
    this.#waiting.wake();
    await this.#leaveDrain?.();
    await Promise.all(
      this.#lanes.map(async (lane) => {
        // Whoever receives is told.
        await lane.opening?.catch(() => undefined);
        await lane.feed?.close();
      }),
    );
    await this.#settler.idle();
    await this.#marks.close();
  }

  #openLane(lane: Lane): Promise<Feed> {
    if (lane.feed !== undefined && !lane.feed.isEnded) return Promise.resolve(lane.feed);
    lane.opening ??= this.#consume(lane).finally(() => (lane.opening = undefined));
    return lane.opening;
  }

  async #consume(lane: Lane): Promise<Feed> {
    const { queue, partition, priority } = lane;
    const feed = await Feed.open(this.#context.consuming, {
      queue,
      partition,
      suspicion: this.#suspicion,
      onArrival: () => this.#onArrival(),
      onEnd: (feed, held, reason) => this.#onEnd(feed, held, reason),
    });
    lane.feed = feed;
    lane.isLeaving = false;
    lane.looks = 0;
    try {
      await feed.consume(this.#prefetch, priority);
    } catch (error) {
      await feed.close();
      throw feed.failure ?? asError(error);
    }
    return feed;
  }

  async #take(request: ReceiveOptions): Promise<Delivery[]> {
    const taken: Delivery[] = [];
    const share = shareOf(request);
    if (!this.#hasSome(request)) await this.#waiting.wait(this.#context, request.signal);
    if (this.#isClosed) return taken;
    const { length } = this.#lanes;
    for (let index = 0; index < length; index += 1) {
      const lane = this.#lanes[(this.#turn + index) % length] as Lane;
      if (isOpen(lane, request)) takeFrom(lane.feed, share, taken);
    }
    this.#turn = (this.#turn + 1) % length;
    return taken;
  }

  #hasSome(request: ReceiveOptions): boolean {
    return this.#lanes.some((lane) => isOpen(lane, request) && lane.feed.buffer.length > 0);
  }

  #onArrival(): void {
    this.#waiting.wake();
    this.#look ??= this.#context.clock.setTimeout(() => void this.#lookAround(), lookMs);
  }

  #onEnd(feed: Feed, held: readonly Delivery[], reason: LostReason): void {
    this.#survivors.push(...marksOf(held));
    this.#options.onLost(held, reason);
    this.#waiting.wake(disconnected(feed));
  }

  /**
   * The broker does not tell a member that another one with a higher priority waits for a partition: it only sends nothing
   * more. So it is asked, while something is held, whether messages wait although there is room for them here.
   */
  async #lookAround(): Promise<void> {
    await Promise.all(
      this.#lanes.map((lane) => this.#lookAt(lane).catch(this.#context.tell('looking what waits in a partition'))),
    );
    this.#look = undefined;
    if (this.#isClosed || !this.#lanes.some(({ feed }) => (feed?.unsettled ?? 0) > 0)) return;
    this.#look = this.#context.clock.setTimeout(() => void this.#lookAround(), lookMs);
  }

  async #lookAt(lane: Lane): Promise<void> {
    const { feed } = lane;
    const isFed =
      feed === undefined || feed.arrived !== lane.arrived || feed.unsettled === 0 || feed.unsettled >= this.#prefetch;
    lane.arrived = feed?.arrived ?? 0;
    if (isFed || feed.isEnded || lane.isLeaving) {
      lane.looks = 0;
      return;
    }
    const waiting = await feed.ready();
    lane.looks = waiting > 0 && feed.arrived === lane.arrived ? lane.looks + 1 : 0;
    if (lane.looks >= looksUntilSuperseded) this.#leave(lane, feed);
  }

  #leave(lane: Lane, feed: Feed): void {
    lane.isLeaving = true;
    const { held } = feed;
    if (held.length > 0) this.#options.onRevoking?.(held);
    this.#leaveIdle();
  }

  /** Partitions that another member waits for, and of which core has nothing any more. */
  #leaveIdle(): void {
    for (const lane of this.#lanes) {
      const { feed, isLeaving } = lane;
      if (!isLeaving || feed === undefined || feed.isEnded || feed.hasHeld) continue;
      void feed
        .close()
        .then(() => (this.#isClosed ? undefined : this.#openLane(lane)))
        .catch(this.#context.tell('handing a partition over'));
    }
  }
}

/** The same for nobody else: the member with the highest one has the partition. From 0 to 2^31 - 1. */
function lotOf(member: string, partition: number): number {
  return createHash('sha256').update(`${member}/${partition}`).digest().readUInt32BE(0) >>> 1;
}

function isOpen(lane: Lane, { pausedPartitions }: ReceiveOptions): lane is Lane & { readonly feed: Feed } {
  return lane.feed !== undefined && !lane.isLeaving && pausedPartitions?.has(lane.partition) !== true;
}
