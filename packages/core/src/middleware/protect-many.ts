import type { BatchConsumeHandler, BatchDelivery } from '../consume-types.ts';
import { type Outcome, outcomeKind, outcomesOf } from '../outcome.ts';
import { leaseLost } from './claim-renewer.ts';
import { HeldClaim } from './held-claim.ts';
import type { ClaimResult } from './idempotency-store.ts';
import { type Claimed, type Completion, type Protection, putBack } from './protection.ts';
import { withSignal } from './with-signal.ts';

type Members = readonly BatchDelivery<unknown>[];
type Context = Parameters<BatchConsumeHandler>[1];

/** For batches: one claim and one completion for all members; the handler gets those that are not done, nor busy elsewhere. */
export function protectMany(protection: Protection, next: BatchConsumeHandler): BatchConsumeHandler {
  return async (deliveries, context) => {
    const keys = deliveries.map((delivery) => protection.keyOf(delivery));
    if (keys.every((key) => key === undefined)) return next(deliveries, context);
    const { items, answer } = protection.claims.turn;
    const from = items.length;
    for (const key of keys) if (key !== undefined) items.push(key);
    let claimed: Claimed;
    try {
      claimed = await answer;
    } catch {
      // Told already, once for the turn.
      return protection.runsUnprotected ? next(deliveries, context) : deliveries.map(putBack);
    }
    const batch = new ProtectedBatch(protection, deliveries, keys);
    batch.take(claimed, from);
    return batch.run(next, context);
  };
}

class ProtectedBatch {
  readonly #protection: Protection;
  readonly #deliveries: Members;
  readonly #keys: readonly (string | undefined)[];
  readonly #outcomes: (Outcome | undefined)[];
  /** What the handler gets, and beside each its place among the deliveries and its claim; of one without a key, none. */
  readonly #views: BatchDelivery<unknown>[] = [];
  readonly #places: number[] = [];
  readonly #claims: (HeldClaim | undefined)[] = [];
  /** What the store said of those that are left out, by their places. */
  readonly #leftOut = new Map<number, Exclude<ClaimResult, { readonly state: 'claimed' }>>();

  constructor(protection: Protection, deliveries: Members, keys: readonly (string | undefined)[]) {
    this.#protection = protection;
    this.#deliveries = deliveries;
    this.#keys = keys;
    this.#outcomes = Array.from({ length: deliveries.length });
  }

  /** The answers for its keys are those of the turn from `from` on. */
  take({ answers, validUntil }: Claimed, from: number): void {
    let at = from;
    for (const [place, delivery] of this.#deliveries.entries()) {
      const key = this.#keys[place];
      if (key === undefined) {
        this.#start(delivery, place, undefined);
        continue;
      }
      const answer = answers[at++] as ClaimResult;
      if (answer.state === 'claimed')
        this.#start(delivery, place, new HeldClaim(key, answer.token, validUntil, delivery));
      else this.#leftOut.set(place, answer);
    }
  }

  async run(next: BatchConsumeHandler, context: Context): Promise<readonly (Outcome | undefined)[]> {
    const { renewer } = this.#protection;
    for (const claim of this.#claims) if (claim !== undefined) renewer.add(claim);
    try {
      if (this.#leftOut.size > 0) await this.#leave();
      if (this.#views.length > 0) await this.#handle(next, context);
      if (this.#leftOut.size > 0) this.#followFirsts();
      return this.#outcomes;
    } finally {
      for (const claim of this.#claims) if (claim !== undefined) renewer.remove(claim);
    }
  }

  #start(delivery: BatchDelivery<unknown>, place: number, claim: HeldClaim | undefined): void {
    this.#views.push(claim === undefined ? delivery : withSignal(delivery, claim));
    this.#places.push(place);
    this.#claims.push(claim);
  }

  async #leave(): Promise<void> {
    try {
      for (const [place, answer] of this.#leftOut) {
        this.#outcomes[place] = this.#protection.outcomeOf(answer);
        await this.#protection.tell((this.#deliveries[place] as BatchDelivery<unknown>).message, answer);
      }
    } catch (error) {
      await this.#protection.release(this.#claims.filter(isClaim));
      throw error;
    }
  }

  async #handle(next: BatchConsumeHandler, context: Context): Promise<void> {
    let returned: readonly (Outcome | undefined)[] | undefined;
    try {
      returned = outcomesOf(await next(this.#views, context), this.#views.length);
    } catch (error) {
      const claims = this.#claims.filter(isClaim);
      await this.#protection.release(claims);
      throw claims.some(({ lost }) => lost) ? leaseLost(error) : error;
    }
    if (returned !== undefined) await this.#releaseFailed(returned);
    await this.#complete();
  }

  async #releaseFailed(returned: readonly (Outcome | undefined)[]): Promise<void> {
    const failed: HeldClaim[] = [];
    for (const [n, outcome] of returned.entries()) {
      if (outcomeKind(outcome) === undefined) continue;
      this.#outcomes[this.#places[n] as number] = outcome;
      const claim = this.#claims[n];
      if (claim !== undefined) failed.push(claim);
    }
    await this.#protection.release(failed);
  }

  /** Those that have no outcome: they have succeeded. */
  async #complete(): Promise<void> {
    const places: number[] = [];
    const completions: Completion[] = [];
    for (const [n, claim] of this.#claims.entries()) {
      const place = this.#places[n] as number;
      if (claim === undefined || this.#outcomes[place] !== undefined) continue;
      places.push(place);
      completions.push(this.#protection.completionOf(claim, (this.#views[n] as BatchDelivery<unknown>).message));
    }
    if (completions.length === 0) return;
    const confirmed = await this.#protection.complete(completions, this.#views[0] as BatchDelivery<unknown>);
    for (const [n, place] of places.entries()) if (confirmed?.[n] !== true) this.#outcomes[place] = putBack();
  }

  /**
   * A key that came before in the batch is busy: with the first one's success it is done, unless somebody is to be told of
   * that, for which it comes again; and otherwise it waits no longer.
   */
  #followFirsts(): void {
    const firsts = new Map(this.#places.map((place) => [this.#keys[place], place]));
    const isEnough = (first: number): boolean =>
      this.#outcomes[first] === undefined && !this.#protection.tellsDuplicates;
    for (const [place, { state }] of this.#leftOut) {
      const first = state === 'busy' ? firsts.get(this.#keys[place]) : undefined;
      if (first !== undefined) this.#outcomes[place] = isEnough(first) ? undefined : putBack();
    }
  }
}

function isClaim(claim: HeldClaim | undefined): claim is HeldClaim {
  return claim !== undefined;
}
