import type { ConsumerSettings } from './consumer-settings.ts';
import type { Desk } from './desk.ts';

/** Early delayed messages that may wait in process; more go back to the broker for the rest of their delay. */
export const maxWaiting = 1000;
/** Bytes of messages in our hands, at the most; a single message always fits. */
export const maxHandBytes: number = 64 * 1024 * 1024;

interface Bounds {
  readonly maxInFlight: number;
  /** Handlers at once, or messages of the batches at once. */
  readonly jobs: number;
  /** Fetched before a handler is free for them. */
  readonly maxAhead: number;
  /** Handled and not yet confirmed. */
  readonly maxUnsettled: number;
  readonly maxHeld: number;
}

/** What core may hold at once; the driver is told. Does not depend on the backlog. */
export function handBounds({ concurrency, maxMessages, maxHeld, ordered, destination }: ConsumerSettings): Bounds {
  const jobs = concurrency * maxMessages;
  const maxAhead = Math.min(1000, Math.max(100, jobs * 10));
  const maxUnsettled = Math.min(2000, Math.max(500, jobs * 10));
  const held = ordered ? maxHeld * destination.partitions : 0;
  const maxInFlight = jobs + maxAhead + maxUnsettled + held;
  return { jobs, maxAhead, maxUnsettled, maxHeld: held, maxInFlight };
}

/** How much may be fetched: as much as may soon be started, and no more than we told the driver. */
export class Capacity {
  readonly #desk: Desk;
  readonly #bounds: Bounds;
  #ahead = 0;
  #limit = 1;
  #ended = 0;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#bounds = handBounds(desk.settings);
  }

  /** Messages to fetch now, while so many are on their way to the desk; 0: none, until something ends. */
  wanted(coming: number): number {
    const { bytes, size, lanes, ready, running, settler, waiting } = this.#desk;
    const { jobs, maxUnsettled, maxHeld, maxInFlight } = this.#bounds;
    const target = jobs + this.#ahead;
    const startable = ready.length + coming;
    const free = target - startable - running;
    // Fetching one by one while enough waits to be started would only cost round trips.
    if (bytes >= maxHandBytes || (startable > 0 && running + coming > 0 && free < target / 4)) return 0;
    const room = lanes === undefined ? maxWaiting - waiting : maxHeld - lanes.total.messages;
    return Math.max(
      0,
      Math.min(free, room, maxUnsettled - settler.unsettled, maxInFlight - size - coming, this.#limit),
    );
  }

  /** A run has ended. */
  count(): void {
    this.#ended++;
  }

  /** As much as was handled in 50 ms is fetched ahead, so that handlers need not wait for a round trip. */
  adapt(elapsedMs: number): void {
    this.#ahead = Math.min(this.#bounds.maxAhead, Math.floor((this.#ended / Math.max(1, elapsedMs)) * 50));
    this.#ended = 0;
  }

  /** What came was not suspect: larger fetches. */
  widen(): void {
    if (this.#limit < this.#bounds.maxInFlight) this.#limit *= 4;
  }

  /** What is fetched next may be suspect too: no more than may run together, until something is not. */
  narrow(limit: number): void {
    this.#limit = limit;
  }
}
