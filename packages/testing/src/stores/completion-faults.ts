import type { FaultyStore } from './faulty-store.ts';
import { wrapStore } from './wrap-store.ts';

export const completionFaults: readonly FaultyStore[] = [
  {
    name: 'forgets a key that was completed',
    caughtBy: ['completion', 'leases', 'batches'],
    break: (store) =>
      wrapStore(store, {
        async complete(claims) {
          const answers = await store.extend(claims, { leaseMs: 1000 });
          await store.release(claims.filter((_, index) => answers[index]));
          return answers;
        },
      }),
  },
  {
    name: 'remembers a completed key no longer than the lease of its claim',
    caughtBy: ['completion'],
    break: (store, shared) =>
      wrapStore(store, {
        claim(keys, options) {
          for (const key of keys) if (!shared.has(key)) shared.set(key, String(options.leaseMs));
          return store.claim(keys, options);
        },
        async complete(claims) {
          const leaseMs = Math.min(...claims.map(({ key }) => Number(shared.get(key) ?? 60_000)));
          return claims.length === 0 ? [] : store.complete(claims, { retentionMs: leaseMs });
        },
      }),
  },
  {
    name: 'never forgets a completed key',
    caughtBy: ['completion'],
    break: (store) => wrapStore(store, { complete: (claims) => store.complete(claims, { retentionMs: 86_400_000 }) }),
  },
  {
    name: 'loses the result',
    caughtBy: ['completion', 'batches'],
    break: (store) =>
      wrapStore(store, {
        complete: (claims, options) =>
          store.complete(
            claims.map(({ key, token }) => ({ key, token })),
            options,
          ),
      }),
  },
  {
    name: 'keeps the result as text',
    caughtBy: ['completion'],
    break: (store) =>
      wrapStore(store, {
        complete: (claims, options) =>
          store.complete(
            claims.map((own) =>
              own.result === undefined
                ? own
                : { ...own, result: new TextEncoder().encode(new TextDecoder().decode(own.result)) },
            ),
            options,
          ),
      }),
  },
  {
    name: 'keeps an empty result as none',
    caughtBy: ['completion'],
    break: (store) =>
      wrapStore(store, {
        complete: (claims, options) =>
          store.complete(
            claims.map((own) => (own.result?.byteLength === 0 ? { key: own.key, token: own.token } : own)),
            options,
          ),
      }),
  },
  {
    name: 'refuses to complete again what it has completed, so that an answer that got lost on its way is a failure',
    caughtBy: ['completion', 'batches'],
    break: (store, shared) =>
      wrapStore(store, {
        async complete(claims, options) {
          const answers = await store.complete(claims, options);
          return claims.map(({ key, token }, n) => {
            if (answers[n] !== true || shared.get(key) === token) return false;
            shared.set(key, token);
            return true;
          });
        },
      }),
  },
];
