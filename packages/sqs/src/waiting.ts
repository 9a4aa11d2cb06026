import type { Received, Timer } from '@anymq/core/driver';
import type { Delivery } from './delivery.ts';
import type { DriverContext, Place } from './driver-context.ts';
import { asError } from './errors.ts';
import { deduplicationId, encodeMessage, groupOf } from './encoding.ts';

/** Invisible for so long at the most: SQS API reference, ChangeMessageVisibility; less a minute. */
const longestSeconds = 43_140;
/** What a call may take before a lease ends. */
const marginMs = 300;

/**
 * Messages of a FIFO queue that are not due. Each is in a group of its own, so that it holds up nobody, and is made invisible
 * until shortly before its time; then whoever receives it puts a copy into the group of its key.
 */
export class Waiting {
  readonly #context: DriverContext;
  readonly #place: Place;
  readonly #timers = new Map<Delivery, Timer>();
  readonly #running = new Set<Promise<void>>();
  #isClosed = false;

  constructor(context: DriverContext, place: Place) {
    this.#context = context;
    this.#place = place;
  }

  take(delivery: Delivery): void {
    const { clock } = this.#context;
    const now = clock.now();
    const leftMs = (delivery.received?.dueAt ?? 0) - now;
    if (leftMs <= 0) this.#run(() => this.#forward(delivery));
    else if (leftMs >= 1000) this.#run(() => this.#hide(delivery, Math.floor(leftMs / 1000)));
    else if (this.#isClosed || delivery.deadline - now - marginMs < leftMs) this.#run(() => this.#hide(delivery, 1));
    else
      this.#timers.set(
        delivery,
        clock.setTimeout(() => this.#isDue(delivery), leftMs),
      );
  }

  /** What waits here comes back at SQS. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const [delivery, timer] of this.#timers) {
      this.#context.clock.clearTimeout(timer);
      this.#run(() => this.#hide(delivery, 1));
    }
    this.#timers.clear();
    await Promise.all(this.#running);
  }

  #isDue(delivery: Delivery): void {
    this.#timers.delete(delivery);
    this.take(delivery);
  }

  /** One that fails is received again when its lease ends. */
  #run(work: () => Promise<void>): void {
    const running = work()
      .catch((error: unknown) =>
        this.#context.logger.debug('A delayed message could not be moved. It is received again.', {
          queue: this.#place.name,
          error: error instanceof Error ? error.name : typeof error,
        }),
      )
      .then(() => void this.#running.delete(running));
    this.#running.add(running);
  }

  async #hide({ receipt }: Delivery, seconds: number): Promise<void> {
    const { endpoint, url } = this.#place;
    await endpoint.changeVisibility(url, [{ receipt, seconds: Math.min(seconds, longestSeconds) }]);
  }

  /** Two members that do so within five minutes make one copy. */
  async #forward({ received, messageId, receipt }: Delivery): Promise<void> {
    const { endpoint, url } = this.#place;
    const { id, key, attempt, failure } = received as Received;
    const entry = {
      ...encodeMessage(received as Received, { attempt, failure }),
      groupId: groupOf(key, id),
      deduplicationId: deduplicationId(id, messageId),
    };
    const [sent] = await endpoint.send(url, [entry]);
    if (sent?.ok !== true) throw asError(sent?.error);
    await endpoint.delete(url, [receipt]);
  }
}
