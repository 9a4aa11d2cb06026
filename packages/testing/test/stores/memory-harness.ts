import { createMemoryStore, type IdempotencyStore } from '@anymq/core';
import type { StoreHarness } from '../../src/conformance.ts';
import { wrapStore } from '../../src/stores/wrap-store.ts';

/** Each namespace is one memory store; each store of it can be closed by itself. */
export function memoryHarness(): StoreHarness {
  const stores = new Map<string, IdempotencyStore>();
  return {
    name: 'memory',
    async createStore(namespace) {
      const inner = stores.get(namespace) ?? createMemoryStore();
      stores.set(namespace, inner);
      const closed = createMemoryStore();
      let open = true;
      const own = (): IdempotencyStore => (open ? inner : closed);
      return wrapStore(inner, {
        claim: (keys, options) => own().claim(keys, options),
        extend: (claims, options) => own().extend(claims, options),
        complete: (claims, options) => own().complete(claims, options),
        release: (claims) => own().release(claims),
        async close() {
          open = false;
          await closed.close();
        },
      });
    },
    close: async () => undefined,
  };
}
