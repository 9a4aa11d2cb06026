import type { Capabilities, Limits } from '../../src/capabilities.ts';
import type {
  Driver,
  DriverTransaction,
  HeldMessage,
  ReceiveOptions,
  Receiver,
  ReceiverOptions,
  Settlement,
  SettleResult,
} from '../../src/driver-interface.ts';
import type { Received, Token } from '../../src/message.ts';

/** What a scripted broker refuses with. */
export class ScriptedError extends Error {
  readonly retryable: boolean;

  constructor(message: string, { retryable = true }: { readonly retryable?: boolean } = {}) {
    super(message);
    this.retryable = retryable;
  }
}

export const ok: SettleResult = { ok: true };
export const lost: SettleResult = { ok: false, reason: 'lost' };
export const failed: SettleResult = { ok: false, reason: 'error', error: new ScriptedError('one item failed') };

const text = new TextEncoder();
let deliveries = 0;

/** A delivery with a token of its own; its body is its id as JSON. */
export function received(id: string, fields: Partial<Received> = {}): Received {
  return {
    id,
    headers: {},
    time: new Date(0),
    type: 't',
    source: '/s',
    body: text.encode(JSON.stringify(id)),
    token: { id, delivery: (deliveries += 1) },
    attempt: 1,
    crashCount: 0,
    ...fields,
  };
}

type SettleScript = (items: readonly Settlement[]) => Promise<readonly SettleResult[]> | readonly SettleResult[];

/** A receiver of which the test decides every step. Unscripted, it works: it hands out `inbox` and confirms what is settled. */
export class ScriptedReceiver implements Receiver {
  readonly options: ReceiverOptions;
  readonly #script: ScriptedDriver;
  markStarted?: (tokens: readonly Token[]) => Promise<void>;
  recordHeld?: (held: readonly HeldMessage[]) => Promise<void>;
  beginTransaction?: (tokens: readonly Token[]) => Promise<DriverTransaction>;
  retreat?: () => void;

  constructor(script: ScriptedDriver, options: ReceiverOptions) {
    this.#script = script;
    this.options = options;
    const { onMarkStarted, onRecordHeld, onTransaction, onRetreat } = script;
    if (onMarkStarted !== undefined) this.markStarted = onMarkStarted;
    if (onRecordHeld !== undefined) this.recordHeld = onRecordHeld;
    if (onTransaction !== undefined) this.beginTransaction = onTransaction;
    if (onRetreat !== undefined) this.retreat = onRetreat;
  }

  receive(options: ReceiveOptions): Promise<readonly Received[]> {
    return this.#script.receive(options);
  }

  async extendLease(tokens: readonly Token[]): Promise<void> {
    this.#script.extended.push(tokens.map(idOf));
    await this.#script.onExtend?.(tokens);
  }

  async settleBatch(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    const script = this.#script;
    script.settleCalls.push(items.map(({ token, outcome }) => `${outcome.kind} ${idOf(token)}`));
    const results = await (script.onSettle?.(items) ?? items.map(() => ok));
    for (const [index, { token, outcome }] of items.entries()) {
      if (results[index]?.ok === true) script.settled.push({ id: idOf(token), token, outcome });
    }
    return results;
  }

  async close(): Promise<void> {
    this.#script.closed += 1;
    await this.#script.onClose?.();
  }
}

/** A driver under the hand of a test. */
export class ScriptedDriver implements Driver {
  readonly specificationVersion = 1;
  readonly name = 'scripted';
  readonly capabilities: Capabilities = {
    history: false,
    priority: false,
    expiry: false,
    deduplication: false,
    transactions: true,
    exactBacklog: false,
    nativeRedrive: false,
    brokerFilter: false,
    orderedScaleOut: false,
  };
  readonly limits: Limits;
  /** Waits to be received, in order. */
  readonly inbox: Received[] = [];
  /** `receive` hands out all of the inbox, however little was asked for. */
  overshoots = false;
  /** Every call of `receive`. */
  readonly receives: ReceiveOptions[] = [];
  /** Every call of `settleBatch`: 'kind id' of each item. */
  readonly settleCalls: string[][] = [];
  readonly settled: { readonly id: string; readonly token: Token; readonly outcome: Settlement['outcome'] }[] = [];
  readonly extended: string[][] = [];
  closed = 0;
  opened = 0;
  /** Of the receiver that was opened last. */
  receiver: ScriptedReceiver | undefined;
  /** What a pending `receive` returns when it is aborted. */
  readonly onAbort: Received[] = [];
  onOpen: (() => Promise<void> | void) | undefined;
  /** Instead of waiting for the inbox. */
  onReceive: ((options: ReceiveOptions) => Promise<readonly Received[]> | undefined) | undefined;
  onSettle: SettleScript | undefined;
  onExtend: ((tokens: readonly Token[]) => Promise<void> | void) | undefined;
  onClose: (() => Promise<void> | void) | undefined;
  onMarkStarted: ((tokens: readonly Token[]) => Promise<void>) | undefined;
  onRecordHeld: ((held: readonly HeldMessage[]) => Promise<void>) | undefined;
  onTransaction: ((tokens: readonly Token[]) => Promise<DriverTransaction>) | undefined;
  onRetreat: (() => void) | undefined;
  #arrived: (() => void) | undefined;
  #isPollOver = false;

  constructor(limits: Partial<Limits> = {}) {
    this.limits = {
      maxBodyBytes: 262_144,
      maxBatchMessages: 100,
      maxBatchBytes: 1_000_000,
      maxBatchesInFlight: 4,
      atomicBatch: true,
      delay: { maxMs: 900_000, resolutionMs: 10 },
      maxRunMs: Infinity,
      ...limits,
    };
  }

  /** 'kind id' of what was confirmed. */
  get outcomes(): string[] {
    return this.settled.map(({ id, outcome }) => `${outcome.kind} ${id}`);
  }

  deliver(...messages: readonly Received[]): void {
    this.inbox.push(...messages);
    this.#arrived?.();
  }

  /** The `receive` under way returns with nothing. */
  endPoll(): void {
    this.#isPollOver = true;
    this.#arrived?.();
  }

  lose(...messages: readonly Received[]): void {
    this.receiver?.options.onLost(
      messages.map(({ token }) => token),
      'revoked',
    );
  }

  revoke(...messages: readonly Received[]): void {
    this.receiver?.options.onRevoking?.(messages.map(({ token }) => token));
  }

  async receive(options: ReceiveOptions): Promise<readonly Received[]> {
    this.receives.push(options);
    const scripted = this.onReceive?.(options);
    if (scripted !== undefined) return scripted;
    this.#isPollOver = false;
    if (!this.#has(options)) await this.#arrival(options);
    if (options.signal.aborted) return this.onAbort.splice(0);
    return this.#take(options);
  }

  async openReceiver(_from: unknown, options: ReceiverOptions): Promise<Receiver> {
    this.opened += 1;
    await this.onOpen?.();
    this.receiver = new ScriptedReceiver(this, options);
    return this.receiver;
  }

  openSender(): Promise<never> {
    return Promise.reject(new ScriptedError('no sender'));
  }
  openDeadLetters(): Promise<never> {
    return Promise.reject(new ScriptedError('no dead letters'));
  }
  inspect(): Promise<never> {
    return Promise.reject(new ScriptedError('no inspection'));
  }
  async provision(): Promise<{ readonly created: readonly string[]; readonly differences: readonly string[] }> {
    return { created: [], differences: [] };
  }
  async remove(): Promise<void> {}
  async check(): Promise<void> {}
  async close(): Promise<void> {}

  classifyError(error: unknown): { readonly code: 'NOT_CONNECTED' | 'ACCESS_DENIED'; readonly retryable: boolean } {
    const retryable = !(error instanceof ScriptedError) || error.retryable;
    return { code: retryable ? 'NOT_CONNECTED' : 'ACCESS_DENIED', retryable };
  }

  #isOpen({ partition = 0 }: Received, { pausedPartitions }: ReceiveOptions): boolean {
    return pausedPartitions?.has(partition) !== true;
  }

  #has(options: ReceiveOptions): boolean {
    return options.signal.aborted || this.#isPollOver || this.inbox.some((message) => this.#isOpen(message, options));
  }

  #take(options: ReceiveOptions): Received[] {
    const batch = this.inbox
      .filter((message) => this.#isOpen(message, options))
      .slice(0, this.overshoots ? Infinity : options.maxMessages);
    for (const message of batch) this.inbox.splice(this.inbox.indexOf(message), 1);
    return batch;
  }

  async #arrival(options: ReceiveOptions): Promise<void> {
    while (!this.#has(options)) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
        options.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}

function idOf(token: Token): string {
  return (token as { readonly id: string }).id;
}
