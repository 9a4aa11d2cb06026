import type { Address, DeadLetterStore, Driver, Receiver, ReceiverOptions, Sender } from '@anymq/core/driver';
import { there } from './without.ts';

/** What to do differently. Each gets the inner part and returns only the methods that it replaces. */
export interface DriverHooks {
  readonly driver?: (inner: Driver) => Partial<Driver>;
  readonly sender?: (inner: Sender, to: Address) => Partial<Sender>;
  readonly receiverOptions?: (options: ReceiverOptions, from: Address) => ReceiverOptions;
  readonly receiver?: (inner: Receiver, options: ReceiverOptions, from: Address) => Partial<Receiver>;
  readonly deadLetters?: (inner: DeadLetterStore, of: Address) => Partial<DeadLetterStore>;
}

/** A driver that hands every call on to another one, save for what the hooks replace. */
export function wrapDriver(inner: Driver, hooks: DriverHooks): Driver {
  return {
    specificationVersion: 1,
    name: inner.name,
    capabilities: inner.capabilities,
    limits: inner.limits,
    openSender: async (to) => wrapSender(await inner.openSender(to), to, hooks),
    openReceiver: async (from, options) => {
      const changed = hooks.receiverOptions?.(options, from) ?? options;
      return wrapReceiver(await inner.openReceiver(from, changed), changed, from, hooks);
    },
    openDeadLetters: async (of) => wrapStore(await inner.openDeadLetters(of), of, hooks),
    provision: (plan, mode) => inner.provision(plan, mode),
    remove: (address) => inner.remove(address),
    inspect: (address) => inner.inspect(address),
    ...(inner.seek === undefined ? {} : { seek: async (address, to) => inner.seek?.(address, to) }),
    ...(inner.physicalNames === undefined ? {} : { physicalNames: (address) => there(inner.physicalNames?.(address)) }),
    classifyError: (error) => inner.classifyError(error),
    check: () => inner.check(),
    close: () => inner.close(),
    ...hooks.driver?.(inner),
  };
}

function wrapSender(inner: Sender, to: Address, hooks: DriverHooks): Sender {
  return {
    sendBatch: (messages, options) => inner.sendBatch(messages, options),
    close: () => inner.close(),
    ...hooks.sender?.(inner, to),
  };
}

function wrapReceiver(inner: Receiver, options: ReceiverOptions, from: Address, hooks: DriverHooks): Receiver {
  return {
    receive: (receiveOptions) => inner.receive(receiveOptions),
    ...(inner.markStarted === undefined ? {} : { markStarted: async (tokens) => inner.markStarted?.(tokens) }),
    ...(inner.recordHeld === undefined ? {} : { recordHeld: async (held) => inner.recordHeld?.(held) }),
    ...(inner.retreat === undefined ? {} : { retreat: () => inner.retreat?.() }),
    ...(inner.beginTransaction === undefined
      ? {}
      : { beginTransaction: (tokens) => there(inner.beginTransaction?.(tokens)) }),
    extendLease: (tokens) => inner.extendLease(tokens),
    settleBatch: (items) => inner.settleBatch(items),
    close: () => inner.close(),
    ...hooks.receiver?.(inner, options, from),
  };
}

function wrapStore(inner: DeadLetterStore, of: Address, hooks: DriverHooks): DeadLetterStore {
  return {
    count: () => inner.count(),
    page: (cursor, options) => inner.page(cursor, options),
    requeue: (refs) => inner.requeue(refs),
    remove: (refs) => inner.remove(refs),
    close: () => inner.close(),
    ...hooks.deadLetters?.(inner, of),
  };
}
