import { sleep } from '../clock.ts';
import type { Delivery } from '../consume-types.ts';
import { AnymqError } from '../errors.ts';
import type { Message } from '../message.ts';
import { type Outcome, retryLater } from '../outcome.ts';
import { ClaimRenewer, type RenewerOptions } from './claim-renewer.ts';
import type { HeldClaim } from './held-claim.ts';
import { claimOf } from './held-claim.ts';
import type { Claim, ClaimResult } from './idempotency-store.ts';
import { OneCallATurn } from './one-call-a-turn.ts';
import { scopedKey } from './scoped-key.ts';

export interface ProtectionOptions extends RenewerOptions {
  readonly key: (message: Message) => string | undefined;
  readonly retentionMs: number;
  readonly onStoreError: 'retry' | 'run';
  readonly result: ((message: Message) => Uint8Array | undefined) | undefined;
  readonly onDuplicate: ((message: Message, result: Uint8Array | undefined) => Promise<void> | void) | undefined;
}

/** What a store said of the keys of a turn. */
export interface Claimed {
  readonly answers: readonly ClaimResult[];
  readonly validUntil: number;
}

export type Completion = Claim & { readonly result?: Uint8Array | undefined };
type Unclaimed = Exclude<ClaimResult, { readonly state: 'claimed' }>;

export const putBack = (): Outcome => retryLater(1000, { charge: false });

/** The steps of claims on their way around the run of a handler: those of one message, or of a batch. */
export class Protection {
  readonly renewer: ClaimRenewer;
  readonly claims: OneCallATurn<string, Claimed>;
  readonly completions: OneCallATurn<Completion, readonly boolean[]>;
  readonly #options: ProtectionOptions;

  constructor(options: ProtectionOptions) {
    this.#options = options;
    this.renewer = new ClaimRenewer(options);
    this.claims = new OneCallATurn((keys) => this.#claim(keys));
    const retention = { retentionMs: options.retentionMs };
    this.completions = new OneCallATurn((completions) => options.store.complete(completions, retention));
  }

  /** Whether handlers run without a claim, and count without a completion, when the store fails. */
  get runsUnprotected(): boolean {
    return this.#options.onStoreError === 'run';
  }

  /** Whether somebody hears of each duplicate of what is done. */
  get tellsDuplicates(): boolean {
    return this.#options.onDuplicate !== undefined;
  }

  /** Undefined: it needs no protection. @throws INVALID_MESSAGE */
  keyOf(delivery: Delivery): string | undefined {
    return scopedKey(delivery, this.#options.key(delivery.message));
  }

  completionOf({ key, token }: HeldClaim, message: Message): Completion {
    const result = this.#resultOf(message);
    return result === undefined ? { key, token } : { key, token, result };
  }

  /** The handler has succeeded: for want of a result it is not to run again. */
  #resultOf(message: Message): Uint8Array | undefined {
    try {
      return this.#options.result?.(message);
    } catch (error) {
      this.#options.onError(error);
      return undefined;
    }
  }

  /** What becomes of a message whose key is not ours. */
  outcomeOf(answer: Unclaimed): Outcome | undefined {
    if (answer.state === 'done') return undefined;
    const delayMs = Math.min(this.#options.leaseMs, Math.max(1, answer.retryInMs || 0));
    return retryLater(delayMs, { charge: false });
  }

  /** What throws here has failed the attempt: it is a duplicate the next time too. */
  async tell(message: Message, answer: Unclaimed): Promise<void> {
    if (answer.state === 'done') await this.#options.onDuplicate?.(message, answer.result);
  }

  /** Of a failed attempt: its key is given back. */
  async end(claim: HeldClaim): Promise<void> {
    await this.release([claim]);
    this.renewer.remove(claim);
  }

  /** What cannot be given back ends with its lease. */
  async release(claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return;
    try {
      await this.#options.store.release(claims.map(claimOf));
    } catch (error) {
      this.#options.onError(error);
    }
  }

  /** Undefined: the store did not answer, and what is done may be done again. */
  async complete(completions: readonly Completion[], delivery: Delivery): Promise<readonly boolean[] | undefined> {
    try {
      return await this.#completeOnce(completions);
    } catch (error) {
      return this.completeAgain(completions, error, delivery);
    }
  }

  /** After a failure to complete: for the length of a lease, for the work is done, and would be done twice otherwise. */
  async completeAgain(
    completions: readonly Completion[],
    failure: unknown,
    delivery: Delivery,
  ): Promise<readonly boolean[] | undefined> {
    const { clock, leaseMs, onError } = this.#options;
    const until = clock.now() + leaseMs;
    let error = failure;
    for (let delayMs = 100; ; delayMs = Math.min(1000, delayMs * 2)) {
      onError(error);
      if (isTooLarge(error)) return this.#completeAlone(completions);
      if (this.runsUnprotected) return completions.map(() => true);
      if (isFinal(error) || clock.now() + delayMs > until) return undefined;
      await sleep(clock, delayMs, delivery.signal);
      if (delivery.signal.aborted) return undefined;
      try {
        return await this.#completeOnce(completions);
      } catch (again) {
        error = again;
      }
    }
  }

  /** The result that is too large may have been another's of the turn. If not, none is kept: the work is done, and would be done for ever. */
  async #completeAlone(completions: readonly Completion[]): Promise<readonly boolean[] | undefined> {
    const { store, retentionMs, onError } = this.#options;
    for (const asked of [completions, completions.map(claimOf)]) {
      try {
        return await store.complete(asked, { retentionMs });
      } catch (error) {
        onError(error);
      }
    }
    return this.runsUnprotected ? completions.map(() => true) : undefined;
  }

  async #completeOnce(completions: readonly Completion[]): Promise<readonly boolean[]> {
    const { items, answer } = this.completions.turn;
    const from = items.length;
    for (const completion of completions) items.push(completion);
    const answers = await answer;
    return completions.map((_, n) => answers[from + n] === true);
  }

  /** @throws what the store says, TIMEOUT when it answered only after the lease */
  async #claim(keys: readonly string[]): Promise<Claimed> {
    const { store, leaseMs, clock, onError } = this.#options;
    try {
      const validUntil = clock.now() + leaseMs;
      const answers = await store.claim(keys, { leaseMs });
      if (answers.length !== keys.length)
        throw new AnymqError('UNKNOWN', 'The idempotency store left keys unanswered.');
      if (clock.now() < validUntil) return { answers, validUntil };
      // Somebody else may have them by now.
      await this.release(claimsAmong(keys, answers));
      throw new AnymqError('TIMEOUT', 'The idempotency store answered only when the lease of the claim had ended.');
    } catch (error) {
      onError(error);
      throw error;
    }
  }
}

function claimsAmong(keys: readonly string[], answers: readonly ClaimResult[]): readonly Claim[] {
  return answers.flatMap((answer, n) =>
    answer.state === 'claimed' ? [{ key: keys[n] as string, token: answer.token }] : [],
  );
}

function isTooLarge(error: unknown): boolean {
  return AnymqError.isInstance(error) && error.code === 'TOO_LARGE';
}

function isFinal(error: unknown): boolean {
  return AnymqError.isInstance(error) && !error.retryable;
}
