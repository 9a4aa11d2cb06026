import type { ConsumeHandler } from '../consume-types.ts';
import { type Outcome, outcomeKind } from '../outcome.ts';
import { leaseLost } from './claim-renewer.ts';
import { HeldClaim } from './held-claim.ts';
import type { ClaimResult } from './idempotency-store.ts';
import { type Claimed, type Protection, putBack } from './protection.ts';
import { withSignal } from './with-signal.ts';

/**
 * For one message: its key is asked for together with those of the same turn, and completed so. One function: each further
 * one that were awaited would cost every message as much as the rest of its way.
 */
export function protectOne(protection: Protection, next: ConsumeHandler): ConsumeHandler {
  return async (body, delivery) => {
    const key = protection.keyOf(delivery);
    if (key === undefined) return next(body, delivery);
    const asked = protection.claims.turn;
    const place = asked.items.push(key) - 1;
    let claimed: Claimed;
    try {
      claimed = await asked.answer;
    } catch {
      // Told already, once for the turn.
      return protection.runsUnprotected ? next(body, delivery) : putBack();
    }
    const own = claimed.answers[place] as ClaimResult;
    if (own.state !== 'claimed') {
      await protection.tell(delivery.message, own);
      return protection.outcomeOf(own);
    }
    const claim = new HeldClaim(key, own.token, claimed.validUntil, delivery);
    protection.renewer.add(claim);
    let outcome: Outcome | void;
    try {
      outcome = await next(body, withSignal(delivery, claim));
    } catch (error) {
      await protection.end(claim);
      throw claim.lost ? leaseLost(error) : error;
    }
    if (outcomeKind(outcome) !== undefined) {
      await protection.end(claim);
      return outcome;
    }
    const completion = protection.completionOf(claim, delivery.message);
    const completed = protection.completions.turn;
    const at = completed.items.push(completion) - 1;
    let isOurs: boolean | undefined;
    try {
      isOurs = (await completed.answer)[at] === true;
    } catch (error) {
      isOurs = (await protection.completeAgain([completion], error, delivery))?.[0];
    }
    protection.renewer.remove(claim);
    if (isOurs === undefined) return putBack();
    if (!isOurs) throw leaseLost();
    return undefined;
  };
}
