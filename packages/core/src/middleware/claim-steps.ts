import { AnymqError } from '../errors.ts';
import type { RenewerOptions } from './claim-renewer.ts';
import type { Guarded } from './guarded.ts';
import type { Claim, ClaimResult } from './idempotency-store.ts';
import { OnceATurn } from './once-a-turn.ts';

interface StepsOptions extends RenewerOptions {
  readonly retentionMs: number;
}

/** What is asked of the store, for all that ask in one turn. */
export class ClaimSteps {
  /** Writes the answers, and until when the claims are valid. */
  readonly claims: OnceATurn<Guarded>;
  readonly completions: OnceATurn<Guarded>;
  readonly releases: OnceATurn<Claim>;
  readonly #options: StepsOptions;

  constructor(options: StepsOptions) {
    const { store, onError } = options;
    this.#options = options;
    this.claims = new OnceATurn((items) => this.#claim(items), onError);
    this.completions = new OnceATurn((items) => this.#complete(items), onError);
    this.releases = new OnceATurn((items) => store.release(items.map(claimOf)), onError);
  }

  async #claim(items: readonly Guarded[]): Promise<void> {
    const { store, leaseMs, clock } = this.#options;
    const validUntil = clock.now() + leaseMs;
    const answers = await store.claim(
      items.map(({ key }) => key),
      { leaseMs },
    );
    const areComplete = items.every((_, index) => answers[index] !== undefined);
    const failure = failureOf(areComplete, clock.now() >= validUntil);
    if (failure !== undefined) {
      await this.#giveBack(items, answers);
      throw failure;
    }
    items.forEach((item, index) => {
      item.answer = answers[index];
      item.validUntil = validUntil;
    });
  }

  async #giveBack(items: readonly Guarded[], answers: readonly ClaimResult[]): Promise<void> {
    const asked = items.flatMap(({ key }, index) => {
      const answer = answers[index];
      return answer?.state === 'claimed' ? this.releases.ask({ key, token: answer.token }) : [];
    });
    await Promise.all(asked);
  }

  async #complete(items: readonly Guarded[]): Promise<void> {
    const { store, retentionMs } = this.#options;
    const claims = items.map(({ key, token, result }) => ({ key, token, result }));
    const confirmed = await store.complete(claims, { retentionMs });
    items.forEach((item, index) => (item.confirmed = confirmed[index] === true));
  }
}

/** Late: somebody else may have the keys by now. */
function failureOf(areComplete: boolean, isLate: boolean): AnymqError | undefined {
  if (isLate)
    return new AnymqError('TIMEOUT', 'The idempotency store answered only when the lease of the claim had ended.');
  if (!areComplete) return new AnymqError('UNKNOWN', 'The idempotency store left keys unanswered.');
  return undefined;
}

function claimOf({ key, token }: Claim): Claim {
  return { key, token };
}
