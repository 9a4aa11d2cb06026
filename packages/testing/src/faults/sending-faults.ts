import type { OutgoingMessage, Sender, SendOutcome } from '@anymq/core/driver';
import { wrapDriver } from '../wrap-driver.ts';
import type { FaultyDriver } from './faulty-driver.ts';

const confirmed = ({ id }: OutgoingMessage): SendOutcome => ({ ok: true, receipt: { id } });

/** Sends something else than it was given. */
function changing(change: (message: OutgoingMessage) => OutgoingMessage): FaultyDriver['break'] {
  return (driver) =>
    wrapDriver(driver, {
      sender: (inner) => ({ sendBatch: (messages, options) => inner.sendBatch(messages.map(change), options) }),
    });
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Holds delayed messages in the process, with a timer each. */
function delayingInProcess(inner: Sender, timers: Set<NodeJS.Timeout>): Pick<Sender, 'sendBatch'> {
  return {
    async sendBatch(messages, options) {
      const [now, later] = [
        messages.filter(({ dueAt }) => dueAt === undefined),
        messages.filter(({ dueAt }) => dueAt !== undefined),
      ];
      for (const message of later) {
        const timer = setTimeout(
          () => {
            timers.delete(timer);
            inner
              .sendBatch([{ ...message, dueAt: undefined }], { signal: new AbortController().signal })
              .catch(() => undefined);
          },
          Math.max(0, (message.dueAt ?? 0) - Date.now()),
        );
        timers.add(timer);
      }
      if (now.length > 0) await inner.sendBatch(now, options);
      return messages.map(confirmed);
    },
  };
}

export const sendingFaults: readonly FaultyDriver[] = [
  {
    name: 'confirms before it stores',
    caughtBy: ['G1'],
    break: (driver) =>
      wrapDriver(driver, {
        sender: (inner) => ({
          async sendBatch(messages, options) {
            setTimeout(() => void inner.sendBatch(messages, options).catch(() => undefined), 20);
            return messages.map(confirmed);
          },
        }),
      }),
  },
  {
    name: 'drops the last of a batch',
    caughtBy: ['G1'],
    break: (driver) =>
      wrapDriver(driver, {
        sender: (inner) => ({
          async sendBatch(messages, options) {
            if (messages.length < 2) return inner.sendBatch(messages, options);
            await inner.sendBatch(messages.slice(0, -1), options);
            return messages.map(confirmed);
          },
        }),
      }),
  },
  {
    name: 'sends a batch in reverse',
    caughtBy: ['G8'],
    break: (driver) =>
      wrapDriver(driver, {
        sender: (inner) => ({
          sendBatch: async (messages, options) => (await inner.sendBatch(messages.toReversed(), options)).toReversed(),
        }),
      }),
  },
  {
    name: 'holds delayed messages in the process and forgets them when it closes',
    caughtBy: ['G10'],
    break(driver) {
      const timers = new Set<NodeJS.Timeout>();
      return wrapDriver(driver, {
        sender: (inner) => delayingInProcess(inner, timers),
        driver: (inner) => ({
          async close() {
            for (const timer of timers) clearTimeout(timer);
            await inner.close();
          },
        }),
      });
    },
  },
  {
    name: 'forgets when a delayed message is due',
    caughtBy: ['G10'],
    break: changing((message) => ({ ...message, dueAt: undefined })),
  },
  {
    name: 'delivers when half of the delay has passed',
    caughtBy: ['G10'],
    break: changing((message) => {
      const now = Date.now();
      return message.dueAt === undefined ? message : { ...message, dueAt: now + (message.dueAt - now) / 2 };
    }),
  },
  {
    name: 'sends an empty body as a space',
    caughtBy: ['G14'],
    break: changing((message) => (message.body.byteLength > 0 ? message : { ...message, body: new Uint8Array([32]) })),
  },
  {
    name: 'sends the body as text, so that bytes that are no UTF-8 are replaced',
    caughtBy: ['G6', 'G14'],
    break: changing((message) => ({
      ...message,
      body: new TextEncoder().encode(new TextDecoder().decode(message.body)),
    })),
  },
  {
    name: 'lower-cases the names of headers',
    caughtBy: ['G6', 'G14'],
    break: changing((message) => ({ ...message, headers: lowerCased(message.headers) })),
  },
  {
    name: 'gives messages ids of its own',
    caughtBy: ['G1', 'G15'],
    break: changing((message) => ({ ...message, id: crypto.randomUUID() })),
  },
];
