import type { Claim, ClaimResult, IdempotencyStore } from '../../src/middleware/idempotency-store.ts';
import { createMemoryStore } from '../../src/middleware/memory-store.ts';
import type { VirtualClock } from './virtual-clock.ts';

type Step = 'claim' | 'extend' | 'complete' | 'release';

/** The memory store, with a record of its calls and failures on demand. */
export class ScriptedStore implements IdempotencyStore {
  readonly calls: (readonly [Step, readonly string[]])[] = [];
  /** Called before a step; what it throws or rejects with is the step's failure, what it waits for delays it. */
  before: (step: Step) => unknown = () => undefined;
  readonly #inner: IdempotencyStore;

  constructor(clock: VirtualClock) {
    this.#inner = createMemoryStore({ clock });
  }

  get steps(): readonly Step[] {
    return this.calls.map(([step]) => step);
  }

  async claim(keys: readonly string[], options: { readonly leaseMs: number }): Promise<readonly ClaimResult[]> {
    await this.#enter('claim', keys);
    return this.#inner.claim(keys, options);
  }

  async extend(claims: readonly Claim[], options: { readonly leaseMs: number }): Promise<readonly boolean[]> {
    await this.#enter('extend', claims.map(keyOf));
    return this.#inner.extend(claims, options);
  }

  async complete(
    claims: Parameters<IdempotencyStore['complete']>[0],
    options: { readonly retentionMs: number },
  ): Promise<readonly boolean[]> {
    await this.#enter('complete', claims.map(keyOf));
    return this.#inner.complete(claims, options);
  }

  async release(claims: readonly Claim[]): Promise<void> {
    await this.#enter('release', claims.map(keyOf));
    return this.#inner.release(claims);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #enter(step: Step, keys: readonly string[]): Promise<void> {
    this.calls.push([step, keys]);
    await this.before(step);
  }
}

function keyOf({ key }: Claim): string {
  return key;
}
