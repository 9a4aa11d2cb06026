import type { ClaimResult, IdempotencyStore } from '@anymq/core';
import type { FaultyStore } from './faulty-store.ts';
import { wrapStore } from './wrap-store.ts';

export const claimFaults: readonly FaultyStore[] = [
  {
    name: 'looks first and writes then, so that two at once both get the key',
    caughtBy: ['claims'],
    break: (store, shared) =>
      wrapStore(store, {
        async claim(keys, options) {
          const answers = await store.claim(keys, options);
          return answers.map((answer, n) => {
            const key = keys[n] ?? '';
            if (answer.state === 'claimed') {
              shared.set(key, answer.token);
              setTimeout(() => shared.delete(key), 10);
            }
            const token = shared.get(key);
            return answer.state === 'busy' && token !== undefined ? { state: 'claimed', token } : answer;
          });
        },
      }),
  },
  {
    name: 'marks the key as done when it is claimed, so that the retry of a failed attempt is swallowed',
    caughtBy: ['claims', 'completion', 'leases'],
    break: (store) =>
      wrapStore(store, {
        async claim(keys, options) {
          const answers = await store.claim(keys, options);
          const claims = answers.flatMap((answer, n) =>
            answer.state === 'claimed' ? [{ key: keys[n] ?? '', token: answer.token }] : [],
          );
          await store.complete(claims, { retentionMs: 60_000 });
          return answers;
        },
      }),
  },
  {
    name: 'never gives back a key',
    caughtBy: ['claims', 'batches'],
    break: (store) => wrapStore(store, { release: async () => undefined }),
  },
  {
    name: 'has one token for all',
    caughtBy: ['claims'],
    break: (store, shared) => {
      const real = (key: string, token: string): string => (token === 'token' ? (shared.get(key) ?? '') : token);
      const own = <C extends { readonly key: string; readonly token: string }>(claims: readonly C[]): readonly C[] =>
        claims.map((each) => ({ ...each, token: real(each.key, each.token) }));
      return wrapStore(store, {
        async claim(keys, options) {
          const answers = await store.claim(keys, options);
          return answers.map((answer, n) => {
            if (answer.state !== 'claimed') return answer;
            shared.set(keys[n] ?? '', answer.token);
            return { state: 'claimed', token: 'token' };
          });
        },
        extend: (claims, options) => store.extend(own(claims), options),
        complete: (claims, options) => store.complete(own(claims), options),
        release: (claims) => store.release(own(claims)),
      });
    },
  },
  {
    name: 'says nothing of how long a key is taken',
    caughtBy: ['claims'],
    break: (store) =>
      wrapStore(store, {
        async claim(keys, options) {
          const answers = await store.claim(keys, options);
          return answers.map((answer) => (answer.state === 'busy' ? { state: 'busy', retryInMs: 0 } : answer));
        },
      }),
  },
  {
    name: 'gives the key to the same caller twice in a call',
    caughtBy: ['batches'],
    break: (store) =>
      wrapStore(store, {
        async claim(keys, options) {
          const distinct = [...new Set(keys)];
          const answers = await store.claim(distinct, options);
          return keys.map((key) => answers[distinct.indexOf(key)] as ClaimResult);
        },
      }),
  },
  {
    name: 'answers in the order of its index, not in that of the call',
    caughtBy: ['batches'],
    break: (store) => wrapStore(store, { claim: (keys, options) => store.claim([...keys].toSorted(), options) }),
  },
  {
    name: 'answers for the first hundred of a call only',
    caughtBy: ['batches'],
    break: (store) =>
      wrapStore(store, {
        claim: async (keys, options) => store.claim(keys.slice(0, 100), options),
        complete: async (claims, options) => store.complete(claims.slice(0, 100), options),
      }),
  },
  {
    name: 'compares keys without regard to case',
    caughtBy: ['keys'],
    break: (store) => rekeyed(store, (key) => key.toLowerCase()),
  },
  {
    name: 'cuts long keys',
    caughtBy: ['keys'],
    break: (store) => rekeyed(store, (key) => key.slice(0, 1000)),
  },
  {
    name: 'keeps the keys of all namespaces together',
    caughtBy: ['keys'],
    break: (store) => shareNamespaces(store),
  },
  {
    name: 'goes on after it was closed',
    caughtBy: ['lifecycle'],
    break: (store) => wrapStore(store, { close: async () => undefined }),
  },
];

function rekeyed(store: IdempotencyStore, change: (key: string) => string): IdempotencyStore {
  const own = <C extends { readonly key: string }>(claims: readonly C[]): readonly C[] =>
    claims.map((each) => ({ ...each, key: change(each.key) }));
  return wrapStore(store, {
    claim: (keys, options) => store.claim(keys.map(change), options),
    extend: (claims, options) => store.extend(own(claims), options),
    complete: (claims, options) => store.complete(own(claims), options),
    release: (claims) => store.release(own(claims)),
  });
}

const taken = new Set<string>();

/** As if what one namespace holds were held in all. */
function shareNamespaces(store: IdempotencyStore): IdempotencyStore {
  return wrapStore(store, {
    async claim(keys, options) {
      const answers = await store.claim(keys, options);
      return answers.map((answer, n) => {
        const key = keys[n] ?? '';
        if (answer.state !== 'claimed' || !taken.has(key)) {
          taken.add(key);
          return answer;
        }
        return { state: 'busy', retryInMs: 1000 };
      });
    },
  });
}
