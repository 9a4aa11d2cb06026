import type { Count, Driver, Inspection, Received, Receiver, Sender, SettleResult } from '@anymq/core/driver';

/** Does next to nothing, so that what is measured on it is core's. */
export interface Stub {
  readonly driver: Driver;
  /** What `receive` hands out from now on, once each. */
  load(messages: readonly Received[]): void;
  /** Resolves when all of them have been settled. */
  drained(): Promise<void>;
}

const settled: SettleResult = Object.freeze({ ok: true });

export function createStub(): Stub {
  let waiting: readonly Received[] = [];
  let next = 0;
  let unsettled = 0;
  let sent = 0;
  let onDrained = (): void => undefined;

  const sender: Sender = {
    async sendBatch(messages) {
      sent += messages.length;
      return messages.map(({ id }) => ({ ok: true, receipt: { id } }));
    },
    close: nothing,
  };
  const receiver: Receiver = {
    async receive({ maxMessages, signal }) {
      if (next === waiting.length) return untilAborted(signal);
      const batch = waiting.slice(next, next + maxMessages);
      next += batch.length;
      return batch;
    },
    extendLease: nothing,
    async settleBatch(items) {
      unsettled -= items.length;
      if (unsettled === 0) onDrained();
      return items.map(() => settled);
    },
    close: nothing,
  };
  return {
    driver: createDriver(sender, receiver, () => sent),
    load(messages) {
      waiting = messages;
      next = 0;
      unsettled = messages.length;
    },
    drained: () =>
      new Promise((resolve) => {
        onDrained = resolve;
        if (unsettled === 0) resolve();
      }),
  };
}

function createDriver(sender: Sender, receiver: Receiver, sent: () => number): Driver {
  return {
    specificationVersion: 1,
    name: 'stub',
    capabilities: {
      history: false,
      priority: false,
      expiry: false,
      deduplication: false,
      transactions: false,
      exactBacklog: true,
      nativeRedrive: false,
      brokerFilter: false,
      orderedScaleOut: true,
    },
    limits: {
      maxBodyBytes: 1_048_576,
      maxBatchMessages: 1000,
      maxBatchBytes: 8_388_608,
      maxBatchesInFlight: 4,
      atomicBatch: true,
      delay: { maxMs: 604_800_000, resolutionMs: 1 },
      maxRunMs: Infinity,
    },
    openSender: async () => sender,
    openReceiver: async () => receiver,
    openDeadLetters: () => Promise.reject(new Error('The stub has no dead letters.')),
    provision: async () => ({ created: [], differences: [] }),
    remove: nothing,
    inspect: async () => inspection(sent()),
    classifyError: () => ({ code: 'UNKNOWN', retryable: false }),
    check: nothing,
    close: nothing,
  };
}

function inspection(sent: number): Inspection {
  const none: Count = { value: 0, exact: true };
  const backlog: Count = { value: sent, exact: true };
  return { backlog, inFlight: none, delayed: none, deadLetters: none, oldestAgeMs: null };
}

function untilAborted(signal: AbortSignal): Promise<readonly Received[]> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve([]), { once: true });
  });
}

async function nothing(): Promise<void> {}
