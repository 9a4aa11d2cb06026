import type { Claim, IdempotencyStore } from '@anymq/core';
import type { FaultyStore } from './faulty-store.ts';
import { wrapStore } from './wrap-store.ts';

/** Knows of every key whose claim it is now, whoever asks. */
function unfenced(
  store: IdempotencyStore,
  shared: Map<string, string>,
  changes: (current: <C extends Claim>(claims: readonly C[]) => readonly C[]) => Partial<IdempotencyStore>,
): IdempotencyStore {
  const current = <C extends Claim>(claims: readonly C[]): readonly C[] =>
    claims.map((own) => ({ ...own, token: shared.get(own.key) ?? own.token }));
  return wrapStore(store, {
    async claim(keys, options) {
      const answers = await store.claim(keys, options);
      for (const [n, answer] of answers.entries())
        if (answer.state === 'claimed') shared.set(keys[n] ?? '', answer.token);
      return answers;
    },
    ...changes(current),
  });
}

export const leaseFaults: readonly FaultyStore[] = [
  {
    name: 'never gives the key of a dead owner to anybody',
    caughtBy: ['leases', 'completion'],
    break: (store) =>
      wrapStore(store, { claim: (keys, { leaseMs }) => store.claim(keys, { leaseMs: leaseMs * 1000 }) }),
  },
  {
    name: 'gives a key away when half of its lease has passed',
    caughtBy: ['leases'],
    break: (store) =>
      wrapStore(store, {
        claim: (keys, { leaseMs }) => store.claim(keys, { leaseMs: leaseMs / 2 }),
        extend: (claims, { leaseMs }) => store.extend(claims, { leaseMs: leaseMs / 2 }),
      }),
  },
  {
    name: 'lets an owner complete that was taken over',
    caughtBy: ['leases', 'claims'],
    break: (store, shared) =>
      unfenced(store, shared, (current) => ({
        complete: (claims, options) => store.complete(current(claims), options),
      })),
  },
  {
    name: 'lets an owner give back what was taken over',
    caughtBy: ['leases', 'claims'],
    break: (store, shared) =>
      unfenced(store, shared, (current) => ({ release: (claims) => store.release(current(claims)) })),
  },
  {
    name: 'lets an owner extend what was taken over',
    caughtBy: ['leases', 'claims'],
    break: (store, shared) =>
      unfenced(store, shared, (current) => ({
        extend: (claims, options) => store.extend(current(claims), options),
      })),
  },
  {
    name: 'says yes to every completion',
    caughtBy: ['leases', 'claims'],
    break: (store) =>
      wrapStore(store, {
        async complete(claims, options) {
          const answers = await store.complete(claims, options);
          return answers.map(() => true);
        },
      }),
  },
  {
    name: 'says that it extends, and does not',
    caughtBy: ['leases'],
    break: (store) => wrapStore(store, { extend: async (claims) => claims.map(() => true) }),
  },
  {
    name: 'drops a claim with its lease, so that a late owner whose key nobody took cannot complete',
    caughtBy: ['leases'],
    break: (store, shared) =>
      wrapStore(store, {
        async claim(keys, options) {
          for (const key of keys) shared.set(key, String(performance.now() + options.leaseMs));
          return store.claim(keys, options);
        },
        async complete(claims, options) {
          const alive = claims.filter(({ key }) => performance.now() < Number(shared.get(key)));
          const answers = await store.complete(alive, options);
          return claims.map((own) => answers[alive.indexOf(own)] ?? false);
        },
      }),
  },
  {
    name: 'trusts the clock of the process',
    caughtBy: ['leases'],
    break: (store, shared) =>
      wrapStore(store, {
        async claim(keys, options) {
          const dead = keys.filter((key) => Number(shared.get(`until ${key}`) ?? Infinity) <= Date.now());
          await store.release(dead.map((key) => ({ key, token: shared.get(key) ?? '' })));
          const answers = await store.claim(keys, options);
          for (const [n, answer] of answers.entries()) {
            if (answer.state !== 'claimed') continue;
            shared.set(keys[n] ?? '', answer.token);
            shared.set(`until ${keys[n]}`, String(Date.now() + options.leaseMs));
          }
          return answers;
        },
      }),
  },
];
