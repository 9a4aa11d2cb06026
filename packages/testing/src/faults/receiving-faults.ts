import type { Address, Driver, Received, Token } from '@anymq/core/driver';
import { wrapDriver } from '../wrap-driver.ts';
import type { FaultyDriver } from './faulty-driver.ts';

/** Shows something else than it received. */
function showing(change: (message: Received) => Received): FaultyDriver['break'] {
  return (driver) =>
    wrapDriver(driver, {
      receiver: (inner) => ({ receive: async (options) => (await inner.receive(options)).map(change) }),
    });
}

/** Puts a copy of everything that it receives for the first time back into its queue. */
function doubling(driver: Driver): Driver {
  const doubled = new Set<string>();
  const double = async (from: Address, message: Received): Promise<void> => {
    if (doubled.has(message.id) || from.kind === 'topic') return;
    doubled.add(message.id);
    const sender = await driver.openSender(from);
    const { id, key, headers, time, type, source, contentType, body } = message;
    await sender.sendBatch([{ id, key, headers, time, type, source, contentType, body }], {
      signal: new AbortController().signal,
    });
    await sender.close();
  };
  return wrapDriver(driver, {
    receiver: (inner, _options, from) => ({
      async receive(options) {
        const received = await inner.receive(options);
        for (const message of received) await double(from, message);
        return received;
      },
    }),
  });
}

export const receivingFaults: readonly FaultyDriver[] = [
  {
    name: 'acknowledges when it receives',
    caughtBy: ['G2'],
    break: (driver) =>
      wrapDriver(driver, {
        receiver: (inner) => ({
          async receive(options) {
            const received = await inner.receive(options);
            if (received.length > 0)
              await inner.settleBatch(received.map(({ token }) => ({ token, outcome: { kind: 'acknowledge' } })));
            return received;
          },
        }),
      }),
  },
  {
    name: 'takes what comes again after a crash for a duplicate, and drops it',
    caughtBy: ['G2', 'G4'],
    break: (driver) =>
      wrapDriver(driver, {
        receiver: (inner) => ({
          async receive(options) {
            const received = await inner.receive(options);
            const again = received.filter(
              ({ suspect, redelivered, attempt }) => attempt === 1 && (suspect === true || redelivered === true),
            );
            if (again.length > 0)
              await inner.settleBatch(again.map(({ token }) => ({ token, outcome: { kind: 'acknowledge' } })));
            return received.filter((message) => !again.includes(message));
          },
        }),
      }),
  },
  {
    name: 'returns more than maxMessages',
    caughtBy: ['D', 'G16'],
    break: (driver) =>
      wrapDriver(driver, {
        receiver: (inner) => ({
          receive: (options) => inner.receive({ ...options, maxMessages: options.maxMessages + 10 }),
        }),
      }),
  },
  { name: 'hands each message out twice', caughtBy: ['D', 'G7'], break: doubling },
  {
    name: 'goes on receiving when it is told to end',
    caughtBy: ['D'],
    break: (driver) =>
      wrapDriver(driver, {
        receiver: (inner) => ({
          receive: (options) => inner.receive({ ...options, signal: new AbortController().signal }),
        }),
      }),
  },
  {
    name: 'never extends a lease',
    caughtBy: ['D', 'G11'],
    break: (driver) => wrapDriver(driver, { receiver: () => ({ extendLease: () => Promise.resolve() }) }),
  },
  {
    name: 'takes the number of deliveries for the number of crashes, and charges the neighbours',
    caughtBy: ['G4'],
    break: showing((message) =>
      message.suspect === true ? { ...message, crashCount: message.crashCount + 3 } : message,
    ),
  },
  {
    name: 'never counts a crash',
    caughtBy: ['G4'],
    break: showing((message) => ({ ...message, suspect: false, crashCount: 0 })),
  },
  {
    name: 'loses the headers on a retry',
    caughtBy: ['G14'],
    break: showing((message) => (message.attempt > 1 ? { ...message, headers: {} } : message)),
  },
  {
    name: 'counts attempts in the process',
    caughtBy: ['G3'],
    break(driver) {
      const counts = new Map<string, number>();
      const counted = (message: Received): Received => {
        const attempt = (counts.get(message.id) ?? 0) + 1;
        counts.set(message.id, attempt);
        return { ...message, attempt };
      };
      return showing(counted)(driver);
    },
  },
  {
    name: 'hands out an ordered destination in the wrong order',
    caughtBy: ['G8'],
    break: (driver) =>
      wrapDriver(driver, {
        receiver: (inner, { ordered }) => ({
          receive: async (options) => (ordered ? (await inner.receive(options)).toReversed() : inner.receive(options)),
        }),
      }),
  },
  { name: 'keeps what was not settled when it closes', caughtBy: ['D', 'G12'], break: keepingOnClose },
];

/** Neither `release` nor `close` gives anything back: only the end of the lease does. */
function keepingOnClose(driver: Driver): Driver {
  return wrapDriver(driver, {
    receiver: (inner) => {
      const kept = new Set<Token>();
      return {
        async settleBatch(items) {
          const rest = items.filter(({ token, outcome }) => outcome.kind !== 'release' && !kept.has(token));
          for (const { token, outcome } of items) if (outcome.kind === 'release') kept.add(token);
          const results = rest.length === 0 ? [] : [...(await inner.settleBatch(rest))];
          return items.map((item) => (rest.includes(item) ? (results.shift() ?? { ok: true }) : { ok: true }));
        },
        close: async () => undefined,
      };
    },
  });
}
