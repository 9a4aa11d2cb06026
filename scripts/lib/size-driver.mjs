// The driver of size-program.mjs, which imports nothing: one queue, in memory, as far as that program needs it.
/**
 * @typedef {import('@anymq/core').Driver} Driver
 * @typedef {import('@anymq/core/driver').Received} Received
 * @typedef {import('@anymq/core/driver').Settlement} Settlement
 */

/** @type {Received[]} */
const queue = [];
/** @type {PromiseWithResolvers<void>} */
export const deadLettered = Promise.withResolvers();
let tokens = 0;
let settlements = 0;

/** @param {number} count */
export async function settled(count) {
  while (settlements < count) await new Promise((resolve) => setTimeout(resolve, 1));
}

export const memory = {
  specificationVersion: 1,
  name: 'memory',
  schemes: ['memory'],
  parseUrl: () => ({}),
  create: async () => driver,
};

/** @type {Pick<Driver, 'name' | 'limits' | 'openSender' | 'openReceiver' | 'provision' | 'classifyError' | 'close'> & { readonly capabilities: {} }} */
const driver = {
  name: 'memory',
  capabilities: {},
  limits: {
    maxBodyBytes: 131_072,
    maxBatchMessages: 100,
    maxBatchBytes: 1_000_000,
    maxBatchesInFlight: 2,
    atomicBatch: true,
    delay: { maxMs: Infinity, resolutionMs: 1 },
    maxRunMs: Infinity,
  },
  async openSender() {
    return {
      async sendBatch(messages) {
        queue.push(...messages.map((message) => ({ ...message, token: ++tokens, attempt: 1, crashCount: 0 })));
        return messages.map(({ id }) => ({ ok: true, receipt: { id } }));
      },
      async close() {},
    };
  },
  async openReceiver() {
    /** @type {Map<unknown, Received>} */
    const held = new Map();
    return {
      async receive({ signal }) {
        while (queue.length === 0 && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 1));
        const received = queue.splice(0);
        for (const message of received) held.set(message.token, message);
        return received;
      },
      async extendLease() {},
      async settleBatch(items) {
        for (const { token, outcome } of items) settle(/** @type {Received} */ (held.get(token)), outcome);
        return items.map(() => ({ ok: true }));
      },
      async close() {},
    };
  },
  provision: async () => ({ created: [], differences: [] }),
  classifyError: () => ({ code: 'UNKNOWN', retryable: true }),
  async close() {},
};

/**
 * @param {Received} message
 * @param {Settlement['outcome']} outcome
 */
function settle(message, outcome) {
  settlements++;
  if (outcome.kind === 'deadLetter') deadLettered.resolve();
  if (outcome.kind === 'retry')
    queue.push({ ...message, token: ++tokens, attempt: outcome.attempt, failure: outcome.failure });
}
