import type { Clock, Timer } from '../clock.ts';
import { AnymqError } from '../errors.ts';
import { claimOf, type HeldClaim } from './held-claim.ts';
import type { IdempotencyStore } from './idempotency-store.ts';
import { LinkedList } from './linked-list.ts';

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
  readonly #held = new LinkedList<HeldClaim>();
  readonly #options: RenewerOptions;
  #timer: { readonly of: Timer } | undefined;

  constructor(options: RenewerOptions) {
    this.#options = options;
  }

  add(claim: HeldClaim): void {
    claim.kept = true;
    this.#held.append(claim);
    if (this.#timer === undefined) this.#arm();
  }

  /** Again, or after it was lost: does nothing. */
  remove(claim: HeldClaim): void {
    if (!claim.kept) return;
    claim.kept = false;
    this.#held.remove(claim);
    if (this.#held.first !== undefined || this.#timer === undefined) return;
    this.#options.clock.clearTimeout(this.#timer.of);
    this.#timer = undefined;
  }

  #arm(): void {
    const { clock, leaseMs } = this.#options;
    this.#timer = { of: clock.setTimeout(() => this.#tick(), leaseMs / 3) };
  }

  #tick(): void {
    this.#timer = undefined;
    const now = this.#options.clock.now();
    for (const claim of [...this.#held]) if (claim.validUntil <= now) this.#lose(claim);
    // One call may hang: the others' claims are renewed nonetheless.
    void this.#renew([...this.#held].filter(({ renewing }) => !renewing));
    if (this.#held.first !== undefined) this.#arm();
  }

  async #renew(claims: readonly HeldClaim[]): Promise<void> {
    if (claims.length === 0) return;
    const { store, leaseMs, clock, onError } = this.#options;
    const validUntil = clock.now() + leaseMs;
    for (const claim of claims) claim.renewing = true;
    try {
      const results = await store.extend(claims.map(claimOf), { leaseMs });
      for (const [index, claim] of claims.entries()) {
        if (results[index] === true) claim.validUntil = validUntil;
        else if (claim.kept) this.#lose(claim);
      }
    } catch (error) {
      onError(error);
    } finally {
      for (const claim of claims) claim.renewing = false;
    }
  }

  #lose(claim: HeldClaim): void {
    this.remove(claim);
    claim.lost = true;
    claim.abort(leaseLost());
  }
}

export function leaseLost(cause?: unknown): AnymqError {
  return new AnymqError(
    'LEASE_LOST',
    'The idempotency claim ran out or was taken over while the handler ran, so its result does not count. Give idempotent a longer leaseMs, or mend the store.',
    { cause },
  );
}
