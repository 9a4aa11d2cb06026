import type { IdempotencyStore } from '@anymq/core';

/** The same store, which tells when it turns away a message that was handled before. */
export function tellingDuplicates(store: IdempotencyStore, onDuplicate: () => void): IdempotencyStore {
  return {
    async claim(keys, options) {
      const claims = await store.claim(keys, options);
      for (const { state } of claims) if (state === 'done') onDuplicate();
      return claims;
    },
    extend: (claims, options) => store.extend(claims, options),
    complete: (claims, options) => store.complete(claims, options),
    release: (claims) => store.release(claims),
    close: () => store.close(),
  };
}
