import type { IdempotencyStore } from '@anymq/core';

/** A store that hands every call on to another one, save for what `changes` replaces. */
export function wrapStore(inner: IdempotencyStore, changes: Partial<IdempotencyStore>): IdempotencyStore {
  return {
    claim: (keys, options) => inner.claim(keys, options),
    extend: (claims, options) => inner.extend(claims, options),
    complete: (claims, options) => inner.complete(claims, options),
    release: (claims) => inner.release(claims),
    close: () => inner.close(),
    ...changes,
  };
}
