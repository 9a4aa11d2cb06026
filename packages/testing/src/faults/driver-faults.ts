import type { Address, Driver, Plan } from '@anymq/core/driver';
import { there, without } from '../without.ts';
import { wrapDriver } from '../wrap-driver.ts';
import type { FaultyDriver } from './faulty-driver.ts';

/** Addresses a shared resource, whatever the namespace. */
function shared<A extends Address>(address: A): A {
  return { ...address, physical: `shared_${address.name}` };
}

function withoutFilters({ destinations }: Plan): Plan {
  return {
    destinations: destinations.map((each) => ({
      ...each,
      groups: each.groups.map((group) => without(group, 'filter')),
    })),
  };
}

function ignoringNamespace(driver: Driver): Driver {
  return wrapDriver(driver, {
    driver: (inner) => ({
      openSender: (to) => inner.openSender(shared(to)),
      openReceiver: (from, options) => inner.openReceiver(shared(from), options),
      openDeadLetters: (of) => inner.openDeadLetters(shared(of)),
      provision: ({ destinations }, mode) =>
        inner.provision(
          { destinations: destinations.map((each) => ({ ...each, address: shared(each.address) })) },
          mode,
        ),
      remove: (address) => inner.remove(shared(address)),
      inspect: (address) => inner.inspect(shared(address)),
    }),
  });
}

function notAtomic(driver: Driver): Driver {
  return wrapDriver(driver, {
    receiver: (inner) => {
      if (inner.beginTransaction === undefined) return {};
      return {
        async beginTransaction(tokens) {
          const transaction = await there(inner.beginTransaction?.(tokens));
          return {
            async send(to, messages) {
              const sender = await driver.openSender(to);
              await sender.sendBatch(messages, { signal: new AbortController().signal });
              await sender.close();
            },
            commit: () => transaction.commit(),
            abort: () => transaction.abort(),
          };
        },
      };
    },
  });
}

export const driverFaults: readonly FaultyDriver[] = [
  { name: 'ignores the namespace', caughtBy: ['G7'], break: ignoringNamespace },
  {
    name: 'leaves a timer behind when it closes',
    caughtBy: ['G12'],
    break: (driver) =>
      wrapDriver(driver, {
        driver: (inner) => ({
          async close() {
            setTimeout(() => undefined, 5000);
            await inner.close();
          },
        }),
      }),
  },
  {
    name: 'says that backlogs are exact, and counts what runs as waiting no more',
    caughtBy: ['exactBacklog'],
    break: (driver) =>
      wrapDriver(driver, {
        driver: (inner) => ({
          async inspect(address) {
            const found = await inner.inspect(address);
            return { ...found, inFlight: { ...found.inFlight, value: 0 } };
          },
        }),
      }),
  },
  {
    name: 'declares filters and ignores them',
    caughtBy: ['brokerFilter'],
    break: (driver) =>
      wrapDriver(driver, {
        driver: (inner) => ({ provision: (plan, mode) => inner.provision(withoutFilters(plan), mode) }),
      }),
  },
  {
    name: 'declares priority and ignores it',
    caughtBy: ['priority'],
    break: (driver) =>
      wrapDriver(driver, {
        sender: (inner) => ({
          sendBatch: (messages, options) =>
            inner.sendBatch(
              messages.map((message) => without(message, 'priority')),
              options,
            ),
        }),
      }),
  },
  {
    name: 'declares expiry and ignores it',
    caughtBy: ['expiry'],
    break: (driver) =>
      wrapDriver(driver, {
        sender: (inner) => ({
          sendBatch: (messages, options) =>
            inner.sendBatch(
              messages.map((message) => without(message, 'expiresAt')),
              options,
            ),
        }),
      }),
  },
  {
    name: 'declares history and does not seek',
    caughtBy: ['history'],
    break: (driver) => wrapDriver(driver, { driver: () => ({ seek: () => Promise.resolve() }) }),
  },
  { name: 'declares transactions and sends at once', caughtBy: ['transactions'], break: notAtomic },
];
