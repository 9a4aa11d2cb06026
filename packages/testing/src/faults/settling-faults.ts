import type { Address, Driver, Received, Receiver, Settlement, SettleResult, Token } from '@anymq/core/driver';
import { without } from '../without.ts';
import { wrapDriver } from '../wrap-driver.ts';
import type { FaultyDriver } from './faulty-driver.ts';

type Known = ReadonlyMap<Token, Received>;

/** Settles something else than it was told. `known` has every message that was received. */
function settling(
  change: (item: Settlement, known: Known, driver: Driver, from: Address) => Settlement,
): FaultyDriver['break'] {
  return (driver) =>
    wrapDriver(driver, {
      receiver(inner, _options, from) {
        const known = new Map<Token, Received>();
        return {
          receive: (options) => remember(inner.receive(options), known),
          settleBatch: (items) => inner.settleBatch(items.map((item) => change(item, known, driver, from))),
        };
      },
    });
}

async function remember(
  receiving: Promise<readonly Received[]>,
  known: Map<Token, Received>,
): Promise<readonly Received[]> {
  const received = await receiving;
  for (const message of received) known.set(message.token, message);
  return received;
}

/** Sends messages again as new ones, at the end of their destination. */
async function sendAgain(driver: Driver, to: Address, messages: readonly Received[]): Promise<void> {
  const sender = await driver.openSender(without(to, 'group'));
  const copies = messages.map(({ id, key, headers, time, type, source, contentType, body }) => ({
    id,
    key,
    headers,
    time,
    type,
    source,
    contentType,
    body,
  }));
  if (copies.length > 0) await sender.sendBatch(copies, { signal: new AbortController().signal });
  await sender.close();
}

/** A log reader that goes back to an earlier offset for the sake of one failed message. */
function rewinding(driver: Driver): Driver {
  return wrapDriver(driver, {
    receiver(inner, _options, from) {
      const known = new Map<Token, Received>();
      const done = new Set<Token>();
      return {
        receive: (options) => remember(inner.receive(options), known),
        async settleBatch(items) {
          const results = await inner.settleBatch(items);
          for (const { token, outcome } of items) if (outcome.kind === 'acknowledge') done.add(token);
          if (!items.some(({ outcome }) => outcome.kind === 'retry')) return results;
          const again = [...done].flatMap((token) => known.get(token) ?? []);
          done.clear();
          await sendAgain(driver, from, again);
          return results;
        },
      };
    },
  });
}

function releasingToTheEnd(driver: Driver): Driver {
  return wrapDriver(driver, {
    receiver(inner, { ordered }, from) {
      if (!ordered) return {};
      const known = new Map<Token, Received>();
      return {
        receive: (options) => remember(inner.receive(options), known),
        async settleBatch(items) {
          const released = items
            .filter(({ outcome }) => outcome.kind === 'release')
            .flatMap(({ token }) => known.get(token) ?? []);
          const results = await inner.settleBatch(
            items.map((item) =>
              item.outcome.kind === 'release' ? { ...item, outcome: { kind: 'acknowledge' } } : item,
            ),
          );
          await sendAgain(driver, from, released);
          return results;
        },
      };
    },
  });
}

function answering(
  change: (inner: Receiver, items: readonly Settlement[]) => Promise<readonly SettleResult[]>,
): FaultyDriver['break'] {
  return (driver) => wrapDriver(driver, { receiver: (inner) => ({ settleBatch: (items) => change(inner, items) }) });
}

const acknowledged = (item: Settlement): Settlement => ({ ...item, outcome: { kind: 'acknowledge' } });

export const settlingFaults: readonly FaultyDriver[] = [
  {
    name: 'counts a release as an attempt',
    caughtBy: ['G3', 'G12'],
    break: settling((item, known) => {
      const { outcome, token } = item;
      if (outcome.kind !== 'release') return item;
      return {
        token,
        outcome: { kind: 'retry', dueAt: Date.now() + outcome.delayMs, attempt: (known.get(token)?.attempt ?? 1) + 1 },
      };
    }),
  },
  {
    name: 'drops a message that is to be tried again',
    caughtBy: ['G3'],
    break: settling((item) => (item.outcome.kind === 'retry' ? acknowledged(item) : item)),
  },
  {
    name: 'tries again at once, whatever the delay',
    caughtBy: ['G10'],
    break: settling((item) =>
      item.outcome.kind === 'retry' ? { ...item, outcome: { ...item.outcome, dueAt: Date.now() } } : item,
    ),
  },
  { name: "runs the group's backlog again after a failure", caughtBy: ['G3'], break: rewinding },
  { name: 'puts a released message at the end of its ordered destination', caughtBy: ['D'], break: releasingToTheEnd },
  {
    name: 'settles only the first of a batch',
    caughtBy: ['D', 'G2'],
    break: answering(async (inner, items) => {
      await inner.settleBatch(items.slice(0, 1));
      return items.map(() => ({ ok: true }));
    }),
  },
  {
    name: 'says that a lost delivery was settled',
    caughtBy: ['D'],
    break: answering(async (inner, items) => (await inner.settleBatch(items)).map(() => ({ ok: true }))),
  },
  {
    name: 'loses the message when the dead letter cannot be written, because the record leaves no room for it',
    caughtBy: ['G14'],
    break: (driver) =>
      settling((item, known) => {
        const bytes = known.get(item.token)?.body.byteLength ?? 0;
        return item.outcome.kind === 'deadLetter' && bytes > driver.limits.maxBodyBytes - 4096
          ? acknowledged(item)
          : item;
      })(driver),
  },
  {
    name: 'acknowledges before it writes the dead letter, and the first write fails',
    caughtBy: ['G3', 'G6'],
    break(driver) {
      let failed = false;
      return settling((item) => {
        if (item.outcome.kind !== 'deadLetter' || failed) return item;
        failed = true;
        return acknowledged(item);
      })(driver);
    },
  },
  {
    name: 'cuts the failure record down to its message',
    caughtBy: ['D', 'G6'],
    break: settling((item) => {
      if (item.outcome.kind !== 'deadLetter' && item.outcome.kind !== 'retry') return item;
      const { failure } = item.outcome;
      if (failure === undefined) return item;
      const rest = without(failure, 'code', 'stack');
      return { ...item, outcome: { ...item.outcome, failure: { ...rest, name: 'Error' } } };
    }),
  },
];
