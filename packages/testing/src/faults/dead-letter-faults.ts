import type { Address, DeadLetterStore, Driver, StoredLetter, Token } from '@anymq/core/driver';
import { without } from '../without.ts';
import { wrapDriver } from '../wrap-driver.ts';
import type { FaultyDriver } from './faulty-driver.ts';

const marker = 'anymq-fault-attempts';

function showing(change: (letter: StoredLetter) => StoredLetter): FaultyDriver['break'] {
  return (driver) =>
    wrapDriver(driver, {
      deadLetters: (inner) => ({
        async page(cursor, options) {
          const page = await inner.page(cursor, options);
          return { ...page, letters: page.letters.map(change) };
        },
      }),
    });
}

/** Redrives by sending the letter to its destination as a new message. */
function resending(
  driver: Driver,
  inner: DeadLetterStore,
  of: Address,
  keepsAttempts: boolean,
): Partial<DeadLetterStore> {
  const known = new Map<Token, StoredLetter>();
  const destination = without(of, 'group');
  return {
    async page(cursor, options) {
      const page = await inner.page(cursor, options);
      for (const letter of page.letters) known.set(letter.ref, letter);
      return page;
    },
    async requeue(refs) {
      const letters = refs.flatMap((ref) => known.get(ref) ?? []);
      const sender = await driver.openSender(destination);
      const copies = letters.map(({ ref: _ref, failure, ...message }) =>
        keepsAttempts
          ? { ...message, extensions: { ...message.extensions, [marker]: String(failure.attempts) } }
          : message,
      );
      await sender.sendBatch(copies, { signal: new AbortController().signal });
      await sender.close();
      return inner.remove(refs);
    },
  };
}

export const deadLetterFaults: readonly FaultyDriver[] = [
  {
    name: 'loses the key of a dead letter',
    caughtBy: ['G6'],
    break: showing((letter) => without(letter, 'key')),
  },
  {
    name: 'keeps a dead letter under an id of its own',
    caughtBy: ['G6'],
    break: showing((letter) => ({ ...letter, id: `dead-${letter.id}` })),
  },
  {
    name: 'redrives to all groups of the topic',
    caughtBy: ['G6'],
    break: (driver) => wrapDriver(driver, { deadLetters: (inner, of) => resending(driver, inner, of, false) }),
  },
  {
    name: 'keeps the attempts through a redrive',
    caughtBy: ['D', 'G6'],
    break: (driver) =>
      wrapDriver(driver, {
        deadLetters: (inner, of) => (of.kind === 'queue' ? resending(driver, inner, of, true) : {}),
        receiver: (inner) => ({
          receive: async (options) =>
            (await inner.receive(options)).map((message) => ({
              ...message,
              attempt: Math.max(message.attempt, Number(message.extensions?.[marker] ?? 0)),
            })),
        }),
      }),
  },
  {
    name: 'uses up dead letters by listing them',
    caughtBy: ['D', 'G6'],
    break: (driver) =>
      wrapDriver(driver, {
        deadLetters: (inner) => ({
          async page(cursor, options) {
            const page = await inner.page(cursor, options);
            await inner.remove(page.letters.slice(0, 1).map(({ ref }) => ref));
            return page;
          },
        }),
      }),
  },
  {
    name: 'removes a dead letter before its redrive is stored',
    caughtBy: ['D', 'G6'],
    break: (driver) => wrapDriver(driver, { deadLetters: (inner) => ({ requeue: (refs) => inner.remove(refs) }) }),
  },
  {
    name: 'shows only the first page of the dead letters',
    caughtBy: ['D'],
    break: (driver) =>
      wrapDriver(driver, {
        deadLetters: (inner) => ({
          page: async (cursor, options) => ({ letters: (await inner.page(cursor, options)).letters }),
        }),
      }),
  },
];
