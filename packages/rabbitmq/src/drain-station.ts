import type { Timer } from '@anymq/core/driver';
import type { AmqpChannel, AmqpMessage } from './client.ts';
import type { SharedContext } from './driver-context.ts';
import { copyOf } from './encoding.ts';
import { asError, isMissing, RabbitmqError } from './errors.ts';
import type { Level } from './levels.ts';
import { within } from './receiving.ts';
import { ship, type Shipment } from './routes.ts';
import { type Wait, waitOf } from './waits.ts';

/** Of each level, ahead of their acknowledgements: few, for any may be large, and many more while they are small. */
const prefetch = 16;
const morePrefetch = 240;
const smallBytes = 16_384;
const confirmWithinMs = 15_000;
const againAfterMs = 1000;
const closeWithinMs = 2000;
/** Of the runtime; only a forged header asks for more. */
const longestTimeoutMs = 2_147_483_647;

/** A level that is read: what its messages weigh, and the second consumer, while they are small. */
interface Reading {
  readonly queue: string;
  averageBytes: number;
  seen: number;
  more: Promise<{ readonly consumerTag: string }> | undefined;
}

interface Waiting {
  readonly tag: number;
  readonly shipment: Shipment;
}

/** One channel on which the levels are read. */
export class Station {
  readonly #context: SharedContext;
  readonly #channel: AmqpChannel;
  readonly #onEnd: () => void;
  readonly #levels = new Set<string>();
  readonly #timers = new Set<Timer>();
  readonly #moves = new Set<Promise<void>>();
  #due: Waiting[] = [];
  #isEnded = false;

  private constructor(context: SharedContext, channel: AmqpChannel, onEnd: () => void) {
    this.#context = context;
    this.#channel = channel;
    this.#onEnd = onEnd;
    channel.on('close', () => this.#end());
  }

  static async open(context: SharedContext, onEnd: () => void): Promise<Station> {
    const station = new Station(context, await context.consuming.channel(), onEnd);
    try {
      await station.#listen();
      await station.#takeThoseThere();
      return station;
    } catch (error) {
      await station.close();
      throw asError(error);
    }
  }

  /** What was not moved comes to another member. Twice is safe. */
  async close(): Promise<void> {
    if (this.#isEnded) return;
    this.#stop();
    await within(this.#context.clock, closeWithinMs, Promise.all(this.#moves));
    this.#isEnded = true;
    await this.#channel.close().catch(this.#context.tell('closing the channel of delayed messages'));
  }

  async #listen(): Promise<void> {
    const channel = this.#channel;
    const { notices } = this.#context.levels.plan;
    await channel.assertExchange(notices, 'fanout', { durable: true });
    const { queue } = await channel.assertQueue('', { durable: false, exclusive: true });
    await channel.bindQueue(queue, notices, '');
    const onNotice = (notice: AmqpMessage | null): void => {
      const level = this.#context.levels.plan.levels.find((each) => each.queue === notice?.content.toString());
      if (level !== undefined && !this.#isEnded) this.#take(level).catch(() => this.#abandon());
    };
    await channel.consume(queue, onNotice, { noAck: true });
  }

  /** A passive declaration would end the channel at the first that is not there; an empty message is returned. */
  async #takeThoseThere(): Promise<void> {
    const { publisher, clock, levels } = this.#context;
    const all = levels.plan.levels;
    const probes = all.map(({ queue }) => ({
      exchange: '',
      routingKey: queue,
      content: Buffer.alloc(0),
      options: { persistent: false, mandatory: true },
    }));
    const results = await publisher.publishWithin(clock, confirmWithinMs, probes);
    const failure = results.find((result) => result !== undefined && !hasNoRoute(result));
    if (failure !== undefined) throw failure;
    await Promise.all(all.filter((_, index) => results[index] === undefined).map((level) => this.#take(level)));
  }

  async #take({ queue }: Level): Promise<void> {
    if (this.#levels.has(queue)) return;
    this.#levels.add(queue);
    await this.#consume({ queue, averageBytes: 0, seen: 0, more: undefined }, prefetch);
  }

  /** Written one right after the other: what lies between could set another count. */
  async #consume(reading: Reading, count: number): Promise<{ readonly consumerTag: string }> {
    const [, consumer] = await Promise.all([
      this.#channel.prefetch(count),
      this.#channel.consume(reading.queue, (message) => this.#onMessage(reading, message), {}),
    ]);
    return consumer;
  }

  #weigh(reading: Reading, { length }: Buffer): void {
    reading.seen += 1;
    reading.averageBytes += (length - reading.averageBytes) / Math.min(reading.seen, prefetch);
    const isSmall = reading.averageBytes < smallBytes;
    const { more } = reading;
    if (isSmall && more === undefined && reading.seen >= prefetch) {
      reading.more = this.#consume(reading, morePrefetch);
      reading.more.catch(() => this.#abandon());
    } else if (!isSmall && more !== undefined) {
      reading.more = undefined;
      more.then(({ consumerTag }) => this.#channel.cancel(consumerTag)).catch(() => this.#abandon());
    }
  }

  #onMessage(reading: Reading, message: AmqpMessage | null): void {
    if (this.#isEnded) return;
    // The queue was deleted, or its node is gone.
    if (message === null) return this.#abandon();
    this.#weigh(reading, message.content);
    const tag = message.fields.deliveryTag ?? 0;
    const wait = waitOf(message);
    // A probe, or somebody else's: there is nowhere to move it to.
    if (wait === undefined) return this.#acknowledge(tag);
    const waiting = { tag, shipment: shipmentOf(message, wait) };
    this.#after(wait.until - this.#context.clock.now(), waiting);
  }

  #after(delayMs: number, waiting: Waiting): void {
    if (delayMs <= 0) return this.#moveSoon(waiting);
    const { clock } = this.#context;
    const timer = clock.setTimeout(
      () => {
        this.#timers.delete(timer);
        this.#moveSoon(waiting);
      },
      Math.min(delayMs, longestTimeoutMs),
    );
    this.#timers.add(timer);
  }

  /** With all others that came or are due at the same moment. */
  #moveSoon(waiting: Waiting): void {
    this.#due.push(waiting);
    if (this.#due.length > 1) return;
    const move = Promise.resolve()
      .then(() => this.#move(this.#due.splice(0)))
      .finally(() => this.#moves.delete(move));
    this.#moves.add(move);
  }

  async #move(due: readonly Waiting[]): Promise<void> {
    const results = await ship(
      this.#context,
      due.map(({ shipment }) => shipment),
    );
    if (this.#isEnded) return;
    due.forEach((waiting, index) => {
      const result = results[index];
      // Its queue was removed, and all that was in it.
      if (result === undefined || hasNoRoute(result) || isMissing(result)) this.#acknowledge(waiting.tag);
      else this.#after(againAfterMs, waiting);
    });
  }

  #acknowledge(deliveryTag: number): void {
    try {
      this.#channel.ack({ fields: { deliveryTag } });
    } catch {
      this.#end();
    }
  }

  #abandon(): void {
    this.#channel.close().catch(this.#context.tell('closing the channel of delayed messages'));
    this.#end();
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stop();
    this.#onEnd();
  }

  #stop(): void {
    for (const timer of this.#timers) this.#context.clock.clearTimeout(timer);
    this.#timers.clear();
  }
}

function shipmentOf(message: AmqpMessage, { dueAt, target }: Wait): Shipment {
  return { target, encoded: copyOf(message), dueAt };
}

function hasNoRoute(error: Error): boolean {
  return error instanceof RabbitmqError && error.code === 'NO_ROUTE';
}
