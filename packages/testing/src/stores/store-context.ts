import assert from 'node:assert/strict';
import type { Claim, ClaimResult, IdempotencyStore } from '@anymq/core';
import type { StoreHarness } from './store-harness.ts';

/** Long enough for a slow server to answer within, and short enough to wait for. */
const shortMs = 400;
const longMs = 60_000;

/** What a case works with: stores on one namespace of its own, and short words for what it does with them. */
export class StoreContext {
  readonly harness: StoreHarness;
  readonly #namespace: string;
  readonly #timeScale: number;
  readonly #stores: IdempotencyStore[] = [];

  constructor(harness: StoreHarness, namespace: string, timeScale: number) {
    this.harness = harness;
    this.#namespace = namespace;
    this.#timeScale = timeScale;
  }

  /** For leases and retentions that are to end. */
  get short(): { readonly leaseMs: number; readonly retentionMs: number } {
    const ms = shortMs * this.#timeScale;
    return { leaseMs: ms, retentionMs: ms };
  }

  /** For leases and retentions that are not. */
  readonly long: { readonly leaseMs: number; readonly retentionMs: number } = { leaseMs: longMs, retentionMs: longMs };

  async store(namespace = ''): Promise<IdempotencyStore> {
    const store = await this.harness.createStore(this.#namespace + namespace);
    this.#stores.push(store);
    return store;
  }

  async stores(count: number): Promise<readonly IdempotencyStore[]> {
    return Promise.all(Array.from({ length: count }, () => this.store()));
  }

  /** Until whatever began before this call, for a short time, has ended: only time ends it, and no store says when. */
  async shortEnds(share = 1): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.short.leaseMs * share + 5));
  }

  /** A short lease that begins now. What fails too late, on a slow machine, says nothing: then a check resolves to false. */
  shortLease(): { whileItLasts(check: () => Promise<void>): Promise<boolean> } {
    const until = performance.now() + this.short.leaseMs;
    return {
      async whileItLasts(check) {
        const [outcome] = await Promise.allSettled([check()]);
        if (outcome.status === 'fulfilled') return true;
        if (performance.now() < until) throw outcome.reason;
        return false;
      },
    };
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()));
  }
}

/** Claims a key that must be free. */
export async function claim(
  store: IdempotencyStore,
  key: string,
  options: { readonly leaseMs: number },
): Promise<Claim> {
  const answer = await ask(store, key, options);
  assert.ok(answer.state === 'claimed', `${key} is ${answer.state}`);
  return { key, token: answer.token };
}

export async function ask(
  store: IdempotencyStore,
  key: string,
  options: { readonly leaseMs: number },
): Promise<ClaimResult> {
  const answers = await store.claim([key], options);
  assert.equal(answers.length, 1, `${answers.length} answers for one key`);
  return answers[0] as ClaimResult;
}

/** How a key stands; one that was free is given back. */
export async function stateOf(store: IdempotencyStore, key: string): Promise<string> {
  const answer = await ask(store, key, { leaseMs: longMs });
  if (answer.state === 'claimed') await store.release([{ key, token: answer.token }]);
  return answer.state === 'claimed' ? 'free' : answer.state;
}
