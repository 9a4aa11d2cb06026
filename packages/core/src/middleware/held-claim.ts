import type { Delivery } from '../consume-types.ts';
import type { Claim } from './idempotency-store.ts';
import type { Linked } from './linked-list.ts';
import { OwnSignal } from './with-signal.ts';

/** A claim while its handler runs, with the signal that the handler sees. */
export class HeldClaim extends OwnSignal implements Claim, Linked<HeldClaim> {
  readonly key: string;
  readonly token: string;
  /** By our own clock, counted from before the store was asked. */
  validUntil: number;
  /** Whether a call that renews it is under way. */
  renewing = false;
  /** As the store said, or as its time ran out. */
  lost = false;
  /** Whether it is the renewer's. */
  kept = false;
  previous: HeldClaim | undefined = undefined;
  next: HeldClaim | undefined = undefined;

  constructor(key: string, token: string, validUntil: number, delivery: Delivery) {
    super(delivery);
    this.key = key;
    this.token = token;
    this.validUntil = validUntil;
  }
}

/** What a store gets to see of it. */
export function claimOf({ key, token }: Claim): Claim {
  return { key, token };
}
