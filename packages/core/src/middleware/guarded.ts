import type { Delivery } from '../consume-types.ts';
import type { Outcome } from '../outcome.ts';
import type { HeldClaim } from './claim-renewer.ts';
import type { ClaimResult } from './idempotency-store.ts';
import { OwnSignal, withSignal } from './with-signal.ts';

/**
 * One delivery on its way through. 'free': runs without a claim, for it needs none, or gets none. 'waiting': not to be
 * run now. 'done': by us or by somebody else.
 */
export class Guarded<D extends Delivery = Delivery> implements HeldClaim {
  readonly delivery: D;
  readonly key: string;
  readonly own: OwnSignal;
  state: 'free' | 'claimed' | 'waiting' | 'fenced' | 'done' = 'free';
  outcome: Outcome | undefined = undefined;
  /** Of a claim, as the store knows it. */
  token = '';
  validUntil = 0;
  renewing = false;
  lost = false;
  answer: ClaimResult | undefined = undefined;
  confirmed = false;
  /** To be kept, or of a duplicate: what was kept. */
  result: Uint8Array | undefined = undefined;

  /** Without a key: not protected. */
  constructor(delivery: D, key = '') {
    this.delivery = delivery;
    this.key = key;
    this.own = new OwnSignal(delivery);
  }

  get starts(): boolean {
    return this.state === 'free' || this.state === 'claimed';
  }

  /** What the handler gets. */
  get view(): D {
    return this.state === 'claimed' ? withSignal(this.delivery, this.own) : this.delivery;
  }
}
