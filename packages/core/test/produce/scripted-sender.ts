import { createClient } from '../../src/create-client.ts';
import type { Client } from '../../src/client-types.ts';
import type { Driver, SendOutcome } from '../../src/driver-interface.ts';
import type { ClientEvent } from '../../src/events.ts';
import type { OutgoingMessage } from '../../src/message.ts';
import { VirtualClock } from '../middleware/virtual-clock.ts';
import { preload } from '../preload.ts';

/** What a scripted broker refuses with. */
export class BrokerError extends Error {
  readonly retryable: boolean;
  constructor(retryable: boolean) {
    super('the payload 4711 and the password hunter2');
    this.retryable = retryable;
  }
}

/** One `sendBatch` that waits for the test to answer it. */
export class SentBatch {
  readonly messages: readonly OutgoingMessage[];
  readonly signal: AbortSignal;
  readonly answer: Promise<readonly SendOutcome[]>;
  readonly #answer: PromiseWithResolvers<readonly SendOutcome[]> = Promise.withResolvers();

  constructor(messages: readonly OutgoingMessage[], signal: AbortSignal) {
    this.messages = messages;
    this.signal = signal;
    this.answer = this.#answer.promise;
  }

  get bodies(): readonly unknown[] {
    return this.messages.map(({ body }) => JSON.parse(new TextDecoder().decode(body)) as unknown);
  }
  confirm(): void {
    this.#answer.resolve(this.messages.map(({ id }) => ({ ok: true, receipt: { id } })));
  }
  fail(error: unknown): void {
    this.#answer.reject(error);
  }
  answerEach(errors: readonly (BrokerError | undefined)[]): void {
    this.#answer.resolve(
      this.messages.map(({ id }, index) =>
        errors[index] === undefined ? { ok: true, receipt: { id } } : { ok: false, error: errors[index] },
      ),
    );
  }
}

export interface SenderStage {
  readonly client: Client;
  readonly clock: VirtualClock;
  readonly batches: SentBatch[];
  readonly events: ClientEvent[];
  /** Lets everything that is ready to go on do so. */
  readonly settle: () => Promise<void>;
}

export interface StageOptions {
  readonly atomicBatch?: boolean;
  readonly maxBatchMessages?: number;
  readonly maxBatchBytes?: number;
  readonly maxBatchesInFlight?: number;
  readonly openSender?: () => Promise<void>;
}

/** A client on a driver of which the test answers every batch. */
export async function createSenderStage(options: StageOptions = {}): Promise<SenderStage> {
  await preload();
  const clock = new VirtualClock();
  const batches: SentBatch[] = [];
  const events: ClientEvent[] = [];
  const client = await createClient(scriptedDriver(batches, options), {
    clock,
    random: () => 0.5,
    onEvent: (event) => events.push(event),
  });
  return {
    client,
    clock,
    batches,
    events,
    async settle() {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    },
  };
}

function scriptedDriver(batches: SentBatch[], options: StageOptions): Driver {
  return {
    specificationVersion: 1,
    name: 'scripted',
    capabilities: {
      history: false,
      priority: false,
      expiry: false,
      deduplication: false,
      transactions: false,
      exactBacklog: false,
      nativeRedrive: false,
      brokerFilter: false,
      orderedScaleOut: false,
    },
    limits: {
      maxBodyBytes: 131_072,
      maxBatchMessages: options.maxBatchMessages ?? 10,
      maxBatchBytes: options.maxBatchBytes ?? 1_000_000,
      maxBatchesInFlight: options.maxBatchesInFlight ?? 4,
      atomicBatch: options.atomicBatch ?? true,
      delay: { maxMs: 1000, resolutionMs: 1 },
      maxRunMs: Infinity,
    },
    async openSender() {
      await options.openSender?.();
      return {
        sendBatch(messages, { signal }) {
          const batch = new SentBatch(messages, signal);
          batches.push(batch);
          return batch.answer;
        },
        close: async () => undefined,
      };
    },
    openReceiver: () => Promise.reject(new Error('not scripted')),
    openDeadLetters: () => Promise.reject(new Error('not scripted')),
    provision: async () => ({ created: [], differences: [] }),
    remove: async () => undefined,
    inspect: () => Promise.reject(new Error('not scripted')),
    classifyError: (error) =>
      error instanceof BrokerError
        ? { code: error.retryable ? 'NOT_CONNECTED' : 'ACCESS_DENIED', retryable: error.retryable }
        : { code: 'UNKNOWN', retryable: true },
    check: async () => undefined,
    close: async () => undefined,
  };
}
