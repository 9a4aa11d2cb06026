import { type Clock, lost, type LostReason, type Timer, type Token } from '@anymq/core/driver';
import { byBatches } from './batches.ts';
import { asError } from './errors.ts';
import { Delivery } from './delivery.ts';
import type { Place } from './driver-context.ts';

export interface LeasesOptions {
  readonly place: Place;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly firstLeaseMs: number;
  readonly onLost: (tokens: readonly Token[], reason: LostReason) => void;
}

/** A call that is under way. */
interface Extension {
  readonly deliveries: ReadonlySet<Delivery>;
  readonly ended: Promise<unknown>;
}

/** Total of one receive: SQS API reference, ChangeMessageVisibility. */
const longestMs = 43_200_000;

/**
 * Everything that one receiver has of a queue, handed out or not. Messages come with a short lease, so that what a cut poll takes
 * with it is soon back; whatever runs longer is extended to the full one, from where on core extends it.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #held = new Set<Delivery>();
  /** Not handed out: nobody else extends them. */
  readonly #ours = new Set<Delivery>();
  readonly #extensions = new Set<Extension>();
  #timer: Timer | undefined;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  get all(): ReadonlySet<Delivery> {
    return this.#held;
  }

  has(token: unknown): token is Delivery {
    return token instanceof Delivery && this.#held.has(token);
  }

  add(delivery: Delivery): void {
    this.#held.add(delivery);
    this.#ours.add(delivery);
    this.#timer ??= this.#arm();
  }

  handOut(delivery: Delivery): void {
    this.#ours.delete(delivery);
  }

  drop(delivery: Delivery): void {
    this.#held.delete(delivery);
    this.#ours.delete(delivery);
  }

  /** Those whose lease ran out are lost: SQS may have given them to someone else. */
  loseExpired(deliveries: Iterable<Delivery>): void {
    const now = this.#options.clock.now();
    this.lose(
      [...deliveries].filter(
        ({ deadline, result, isSettling }) => result === undefined && deadline <= now && !isSettling,
      ),
    );
  }

  lose(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return;
    for (const delivery of deliveries) {
      delivery.result = lost;
      this.drop(delivery);
    }
    this.#options.onLost(deliveries, 'expired');
  }

  /** Another full lease. Rejects when some were not extended and may be at another try. */
  async extend(deliveries: readonly Delivery[]): Promise<void> {
    const staying = deliveries.filter(({ isReleasing }) => !isReleasing);
    if (staying.length === 0) return;
    const extension = { deliveries: new Set(staying), ended: this.#extend(staying) };
    this.#extensions.add(extension);
    try {
      await extension.ended;
    } finally {
      this.#extensions.delete(extension);
    }
  }

  /** None of these is being extended: an extension that came after a release would hide the message once more. */
  async unextended(deliveries: readonly Delivery[]): Promise<void> {
    const crossing = [...this.#extensions].filter((each) => deliveries.some((one) => each.deliveries.has(one)));
    await Promise.allSettled(crossing.map(({ ended }) => ended));
  }

  async #extend(deliveries: readonly Delivery[]): Promise<void> {
    const { place, clock, leaseMs } = this.#options;
    const now = clock.now();
    const all = deliveries.map((delivery) => ({
      delivery,
      receipt: delivery.receipt,
      seconds: secondsFor(delivery, leaseMs, now),
    }));
    // None left: 0 would make it visible at once.
    const items = all.filter(({ seconds }) => seconds > 0);
    const answers = await byBatches(items, (batch) => place.endpoint.changeVisibility(place.url, batch));
    const gone: Delivery[] = [];
    let failure: unknown;
    for (const [index, { delivery, seconds }] of items.entries()) {
      const answer = answers[index];
      if (answer?.ok === true) {
        delivery.deadline = now + seconds * 1000;
        delivery.isExtended = true;
      } else if (answer?.isExpired === true) gone.push(delivery);
      else failure = answer?.error;
    }
    this.lose(gone.filter((delivery) => this.#held.has(delivery) && !delivery.isSettling));
    if (failure !== undefined) throw asError(failure);
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): Timer {
    const { clock, firstLeaseMs } = this.#options;
    return clock.setTimeout(() => this.#tick(), firstLeaseMs / 4);
  }

  #tick(): void {
    this.#timer = this.#held.size > 0 ? this.#arm() : undefined;
    this.loseExpired(this.#held);
    const { clock, firstLeaseMs, leaseMs } = this.#options;
    const now = clock.now();
    const isDue = (delivery: Delivery): boolean => {
      if (!delivery.isExtended) return delivery.deadline - now <= firstLeaseMs / 2;
      return this.#ours.has(delivery) && delivery.deadline - now <= leaseMs / 2;
    };
    // What fails is tried again at the next tick, until it has run out.
    this.extend([...this.#held].filter(isDue)).catch(() => undefined);
  }
}

/** Whole seconds, and no more than SQS gives in all. */
function secondsFor({ receivedAt }: Delivery, leaseMs: number, now: number): number {
  const left = Math.floor((longestMs - (now - receivedAt)) / 1000) - 1;
  return Math.min(Math.ceil(leaseMs / 1000), left);
}
