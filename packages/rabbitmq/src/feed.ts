import { lost, type LostReason, settled } from '@anymq/core/driver';
import type { AmqpChannel, AmqpMessage, Link } from './client.ts';
import { Delivery } from './delivery.ts';
import { asError } from './errors.ts';
import type { Suspicion } from './suspicion.ts';
import type { Tell } from './tell.ts';

export interface FeedOptions {
  readonly queue: string;
  readonly partition: number;
  /** Of those that are handled; left out where they are only looked at. */
  readonly suspicion?: Suspicion;
  readonly onArrival: (feed: Feed) => void;
  /** The channel has gone, and with it what core held. Called once, and not after `close`. */
  readonly onEnd: (feed: Feed, held: readonly Delivery[], reason: LostReason) => void;
}

/**
 * One channel that one queue is consumed on: what has arrived and is not acknowledged. Its tags are good on this channel only,
 * so all of it is lost with the channel.
 */
export class Feed {
  readonly queue: string;
  readonly partition: number;
  /** Arrived and not in core's hands, in the order of arrival. */
  buffer: Delivery[] = [];
  /** Messages that the broker sends ahead of their acknowledgements. */
  credit = 0;
  /** Every message that ever arrived. */
  arrived = 0;
  isEnded = false;
  /** What the broker said before it closed the channel. */
  failure: Error | undefined;
  readonly #channel: AmqpChannel;
  readonly #tell: Tell;
  readonly #options: FeedOptions;
  /** Not acknowledged, by tag, in the order of arrival. */
  readonly #open = new Map<number, Delivery>();
  #consumers: string[] = [];
  /** Acknowledged, and not known to be at the broker. */
  #unfenced: Delivery[] = [];
  #fence: Promise<void> | undefined;
  #nextFence: Promise<void> | undefined;
  #averageBytes = 1024;

  private constructor(channel: AmqpChannel, options: FeedOptions, tell: Tell) {
    this.#channel = channel;
    this.#tell = tell;
    this.#options = options;
    this.queue = options.queue;
    this.partition = options.partition;
    channel.on('error', (error) => (this.failure = asError(error)));
    channel.on('close', () => this.#end('disconnected'));
  }

  static async open(link: Link, options: FeedOptions): Promise<Feed> {
    return new Feed(await link.channel(), options, link.tell);
  }

  get unsettled(): number {
    return this.#open.size;
  }
  get held(): Delivery[] {
    return [...this.#open.values()].filter(({ isHeld }) => isHeld);
  }
  get hasHeld(): boolean {
    for (const { isHeld } of this.#open.values()) if (isHeld) return true;
    return false;
  }
  get averageBytes(): number {
    return this.#averageBytes;
  }

  /** One more consumer, which may have `count` messages unacknowledged. */
  async consume(count: number, priority?: number): Promise<void> {
    this.credit += count;
    const options = priority === undefined ? {} : { priority };
    // Written one right after the other: what lies between could set another count.
    const [, { consumerTag }] = await Promise.all([
      this.#channel.prefetch(count),
      this.#channel.consume(this.queue, (message) => this.#onMessage(message), options),
    ]);
    this.#consumers.push(consumerTag);
  }

  /**
   * One consumer that may have `count` messages unacknowledged, in the place of those before. Theirs stay ours, and do not
   * count. Several small consumers would cost the broker more than one large.
   */
  async consumeInstead(count: number): Promise<void> {
    const before = [...this.#consumers];
    await this.consume(count);
    this.#consumers = this.#consumers.slice(before.length);
    this.credit = count;
    await Promise.all(before.map((consumer) => this.#channel.cancel(consumer)));
  }

  /** Nothing more arrives once this has resolved. What has arrived stays ours. */
  async cancel(): Promise<void> {
    const consumers = this.#consumers;
    this.#consumers = [];
    this.credit = 0;
    await Promise.all(consumers.map((consumer) => this.#channel.cancel(consumer)));
  }

  /** Messages that wait at the broker. Also a fence: what was written before it has arrived. */
  async ready(): Promise<number> {
    return (await this.#channel.checkQueue(this.queue)).messageCount;
  }

  /**
   * Resolves when the broker has everything that was written before, or the channel has gone: then what was not known to be
   * there is lost. Calls that meet while one is under way share the next.
   */
  async fence(): Promise<void> {
    if (this.isEnded || this.#unfenced.length === 0) return;
    this.#nextFence ??= this.#afterFence();
    await this.#nextFence;
  }

  async #afterFence(): Promise<void> {
    await this.#fence;
    this.#nextFence = undefined;
    this.#fence = this.#roundTrip();
    await this.#fence;
  }

  async #roundTrip(): Promise<void> {
    const acknowledged = this.#unfenced;
    this.#unfenced = [];
    try {
      // The lightest question that the broker answers on a channel; it changes nothing for consumers that are there.
      await this.#channel.prefetch(1);
    } catch {
      for (const delivery of acknowledged) delivery.result = lost;
    }
  }

  /** Merged as far as nothing that is still ours lies between. False: the channel has gone, and they are lost. */
  acknowledge(deliveries: readonly Delivery[]): boolean {
    if (this.isEnded) return false;
    for (const delivery of deliveries) delivery.end(settled);
    this.#unfenced.push(...deliveries);
    try {
      this.#acknowledgeHead();
      for (const { tag } of deliveries) if (this.#open.delete(tag)) this.#channel.ack(ref(tag));
      return true;
    } catch {
      this.#end('disconnected');
      return false;
    }
  }

  /** Back to the queue. False as above. */
  giveBack(delivery: Delivery): boolean {
    if (this.isEnded) return false;
    try {
      this.#open.delete(delivery.tag);
      this.#outlive(delivery);
      this.#channel.nack(ref(delivery.tag), false, true);
      return true;
    } catch {
      this.#end('disconnected');
      return false;
    }
  }

  /** Back into the buffer, at its place, under a new token: no broker hears of it. */
  keep(deliveries: readonly Delivery[]): void {
    for (const { tag, message, feed, isSuspect } of deliveries) {
      if (message === undefined) continue;
      const again = new Delivery(feed, tag, message, isSuspect);
      this.#open.set(tag, again);
      this.buffer.push(again);
    }
    this.buffer.sort((one, other) => one.tag - other.tag);
    this.#options.onArrival(this);
  }

  /** As `close`, and what goes back after this has resolved comes behind it. Not for a single active consumer. */
  async closeInOrder(): Promise<void> {
    try {
      await this.cancel();
      this.#channel.nackAll(true);
      await this.ready();
    } catch {
      // The channel has gone, and all of it is back.
    }
    await this.close();
  }

  /** What is not acknowledged goes back, in order, to whoever consumes next. Resolves when the broker knows. Twice is safe. */
  async close(): Promise<void> {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#loseAll();
    await this.#channel.close().catch(this.#tell('closing the channel of a consumer'));
  }

  #acknowledgeHead(): void {
    let last: number | undefined;
    for (const [tag, { result }] of this.#open) {
      if (result !== settled) break;
      last = tag;
      this.#open.delete(tag);
    }
    if (last !== undefined) this.#channel.ack(ref(last), true);
  }

  #onMessage(message: AmqpMessage | null): void {
    if (this.isEnded) return;
    if (message === null) {
      // The queue was deleted, or its node is gone: nothing more comes on this channel.
      this.#end('revoked');
      this.#channel.close().catch(this.#tell('closing the channel of a consumer'));
      return;
    }
    const isSuspect = this.#options.suspicion?.isOn(message) === true;
    const delivery = new Delivery(this, message.fields.deliveryTag ?? 0, message, isSuspect);
    this.#open.set(delivery.tag, delivery);
    this.buffer.push(delivery);
    this.arrived += 1;
    this.#averageBytes = this.#averageBytes * 0.9 + (message.content.length + 1024) * 0.1;
    this.#options.onArrival(this);
  }

  #end(reason: LostReason): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#options.onEnd(this, this.#loseAll(), reason);
  }

  #outlive({ message }: Delivery): void {
    if (message !== undefined) this.#options.suspicion?.outlive(message);
  }

  #loseAll(): Delivery[] {
    const { held } = this;
    for (const delivery of this.#open.values()) {
      this.#outlive(delivery);
      delivery.end(lost);
    }
    this.#open.clear();
    this.buffer = [];
    return held;
  }
}

function ref(deliveryTag: number): { readonly fields: { readonly deliveryTag: number } } {
  return { fields: { deliveryTag } };
}
