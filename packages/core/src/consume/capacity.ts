import type { ReceiverOptions } from '../driver-interface.ts';
import type { ConsumerSettings } from './consumer-settings.ts';
import type { Desk } from './desk.ts';

/** Early delayed messages that may wait in process; more go back to the broker for the rest of their delay. */
export const maxWaiting = 1000;
/** Bytes of bodies in our hands, at the most; a single message always fits. */
export const maxHandBytes: number = 64 * 1024 * 1024;

/** What a driver is told of what core may hold at once. Does not depend on the backlog. */
export function handBounds(settings: ConsumerSettings): Pick<ReceiverOptions, 'maxInFlight' | 'maxBytes'> {
  const jobs = jobsOf(settings);
  const held = settings.ordered ? settings.maxHeld * settings.destination.partitions : 0;
  return { maxInFlight: jobs + maxAhead(jobs) + maxUnsettled(jobs) + held, maxBytes: maxHandBytes };
}

/** How much may be fetched: as much as may soon be started, and no more than we told the driver. */
export class Capacity {
  readonly #desk: Desk;
  readonly #jobs: number;
  readonly #maxAhead: number;
  readonly #maxUnsettled: number;
  readonly #maxInFlight: number;
  #ahead = 0;
  #limit = 1;
  #ended = 0;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#jobs = jobsOf(desk.settings);
    this.#maxAhead = maxAhead(this.#jobs);
    this.#maxUnsettled = maxUnsettled(this.#jobs);
    this.#maxInFlight = handBounds(desk.settings).maxInFlight;
  }

  /** Messages to fetch now; 0: none, until something ends. */
  wanted(): number {
    const { settings, hand, lanes, ready, running, settler, waiting } = this.#desk;
    if (hand.bytes >= maxHandBytes) return 0;
    const target = this.#jobs + this.#ahead;
    const free = target - ready.length - running;
    // Fetching one by one while enough waits to be started would only cost round trips.
    if (ready.length > 0 && running > 0 && free < target / 4) return 0;
    const room = settings.ordered
      ? settings.maxHeld * settings.destination.partitions - lanes.total
      : maxWaiting - waiting;
    const unsettled = this.#maxUnsettled - settler.unsettled;
    return Math.max(0, Math.min(free, room, unsettled, this.#maxInFlight - hand.size, this.#limit));
  }

  /** A run has ended. */
  count(): void {
    this.#ended++;
  }

  /** As much as was handled in 50 ms is fetched ahead, so that handlers need not wait for a round trip. */
  adapt(elapsedMs: number): void {
    this.#ahead = Math.min(this.#maxAhead, Math.floor((this.#ended / Math.max(1, elapsedMs)) * 50));
    this.#ended = 0;
  }

  /** What came was not suspect: larger fetches. */
  widen(): void {
    if (this.#limit < this.#maxInFlight) this.#limit *= 4;
  }

  /** What is fetched next may be suspect too: one by one, until something is not. */
  narrow(): void {
    this.#limit = 1;
  }
}

function jobsOf({ concurrency, maxMessages }: ConsumerSettings): number {
  return concurrency * maxMessages;
}

/** Fetched before a handler is free for them. */
function maxAhead(jobs: number): number {
  return Math.min(1000, Math.max(100, jobs * 10));
}

/** Handled and not yet confirmed. */
function maxUnsettled(jobs: number): number {
  return Math.min(2000, Math.max(500, jobs * 10));
}
