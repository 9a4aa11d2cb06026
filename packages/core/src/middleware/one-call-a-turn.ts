import type { Claim, ClaimResult, IdempotencyStore } from './idempotency-store.ts';

type Owned = Claim & { readonly result?: Uint8Array | undefined };

/** Of a store, with the times that all its callers have. */
export interface Steps {
  claim(keys: readonly string[]): Promise<readonly ClaimResult[]>;
  complete(claims: readonly Owned[]): Promise<readonly boolean[]>;
}

/** What callers ask of a store in one turn of the event loop is asked in one call: ten handlers cost one round trip. */
export function oneCallATurn(store: IdempotencyStore, leaseMs: number, retentionMs: number): Steps {
  const lease = { leaseMs };
  const retention = { retentionMs };
  const claims = new Turn<string, ClaimResult>((keys) => store.claim(keys, lease));
  const completions = new Turn<Owned, boolean>((owned) => store.complete(owned, retention));
  return {
    claim: (keys) => claims.ask(keys),
    complete: (owned) => completions.ask(owned),
  };
}

class Turn<Item, Answer> {
  readonly #call: (items: readonly Item[]) => Promise<readonly Answer[]>;
  #items: Item[] = [];
  #answers: Promise<readonly Answer[]> | undefined;

  constructor(call: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#call = call;
  }

  async ask(items: readonly Item[]): Promise<readonly Answer[]> {
    const from = this.#items.length;
    for (const item of items) this.#items.push(item);
    const answers = await (this.#answers ??= this.#flush());
    return answers.slice(from, from + items.length);
  }

  async #flush(): Promise<readonly Answer[]> {
    // The others of this turn come before what has been put off.
    await Promise.resolve();
    const items = this.#items;
    this.#items = [];
    this.#answers = undefined;
    return this.#call(items);
  }
}
