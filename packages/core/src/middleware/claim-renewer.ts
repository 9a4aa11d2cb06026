import type { Clock, Timer } from '../clock.ts';
import { AnymqError } from '../errors.ts';
import type { Claim, IdempotencyStore } from './idempotency-store.ts';
import type { OwnSignal } from './with-signal.ts';

/** A claim while its handler runs. */
export interface HeldClaim extends Claim {
  /** By our own clock, counted from before the store was asked. */
  validUntil: number;
  renewing: boolean;
  lost: boolean;
  /** The delivery's, as the handler sees it. */
  readonly own: OwnSignal;
}

export interface RenewerOptions {
  readonly store: IdempotencyStore;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/**
 * Renews the leases of all claims in work, with one call for all of them every third of the lease, and one timer, which
 * is there only while there are claims. A claim that the store says is lost, or that could not be renewed in time, is
 * aborted and let go.
 */
export class ClaimRenewer {
  readonly #held = new Set<HeldClaim>();
  readonly #options: RenewerOptions;
  #timer: { readonly of: Timer } | undefined;

  constructor(options: RenewerOptions) {
    this.#options = options;
  }

  add(claims: readonly HeldClaim[]): void {
    for (const claim of claims) this.#held.add(claim);
    this.#arm();
  }

  remove(claims: readonly HeldClaim[]): void {
    for (const claim of claims) this.#held.delete(claim);
    if (this.#held.size > 0 || this.#timer === undefined) return;
    this.#options.clock.clearTimeout(this.#timer.of);
    this.#timer = undefined;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#held.size === 0) return;
    const { clock, leaseMs } = this.#options;
    this.#timer = { of: clock.setTimeout(() => this.#tick(), leaseMs / 3) };
  }

  #tick(): void {
    this.#timer = undefined;
    const now = this.#options.clock.now();
    const held = [...this.#held];
    this.#lose(held.filter(({ validUntil }) => validUntil <= now));
    // One call may hang: the others' claims are renewed nonetheless.
    void this.#renew([...this.#held].filter(({ renewing }) => !renewing));
    this.#arm();
  }

  async #renew(claims: readonly HeldClaim[]): Promise<void> {
    if (claims.length === 0) return;
    const { store, leaseMs, clock, onError } = this.#options;
    const validUntil = clock.now() + leaseMs;
    for (const claim of claims) claim.renewing = true;
    try {
      const results = await store.extend(
        claims.map(({ key, token }) => ({ key, token })),
        { leaseMs },
      );
      claims.forEach((claim, index) => results[index] === true && (claim.validUntil = validUntil));
      this.#lose(claims.filter((claim, index) => results[index] !== true && this.#held.has(claim)));
    } catch (error) {
      onError(error);
    } finally {
      for (const claim of claims) claim.renewing = false;
    }
  }

  #lose(claims: readonly HeldClaim[]): void {
    this.remove(claims);
    for (const claim of claims) {
      claim.lost = true;
      claim.own.abort(leaseLost());
    }
  }
}

export function leaseLost(cause?: unknown): AnymqError {
  return new AnymqError(
    'LEASE_LOST',
    'The idempotency claim ran out or was taken over while the handler ran, so its result does not count. Give idempotent a longer leaseMs, or mend the store.',
    { cause },
  );
}
