import type { Limits } from '../capabilities.ts';
import type { ConsumerHealth } from '../client-types.ts';
import { sleep, type Clock } from '../clock.ts';
import type { Consumer, ConsumerState } from '../consume-types.ts';
import type { Receiver, ReceiverOptions } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';
import type { ClientEvent } from '../events.ts';
import { requireDeadline } from '../options.ts';
import { waitBackoff } from '../wait-backoff.ts';
import { within } from '../within.ts';
import type { WrappedError } from '../wrap-later.ts';
import { handBounds, maxHandBytes } from './capacity.ts';
import type { ConsumerSettings } from './consumer-settings.ts';
import { Dispatcher } from './dispatcher.ts';
import { FetchLoop } from './fetch-loop.ts';
import { abandonRuns } from './give-up.ts';
import type { Runner } from './runner.ts';

export interface ConsumerContext {
  readonly settings: ConsumerSettings;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly random: () => number;
  /** Makes the destination and the group where they are missing, and opens them. */
  openReceiver(options: ReceiverOptions): Promise<Receiver>;
  /** Loads what the kind of handler needs. */
  loadRunner(): Promise<(dispatcher: Dispatcher, receiver: Receiver) => Runner>;
  /** Never rejects. */
  wrap(error: unknown): Promise<WrappedError>;
  emit(event: ClientEvent): void;
  onTrouble(what: string, error: AnymqError): void;
}

/** A consumer that its client can look into. */
export interface ManagedConsumer extends Consumer {
  health(): ConsumerHealth;
  /** Of which no more is fetched, because too much of them waits in lanes. */
  waitingPartitions(): readonly number[];
  readonly settings: ConsumerSettings;
}

/** The parts of a consumer that has been started. */
interface Works {
  readonly receiver: Receiver;
  readonly dispatcher: Dispatcher;
  readonly loop: FetchLoop;
  readonly runner: Runner;
  /** Resolves when nothing is fetched any more. */
  readonly fetching: Promise<void>;
}

/** `start` tries for so long while the broker cannot be reached. */
const startWithinMs = 30_000;
/** After the deadline of `stop`: for settlements that are under way, and for the receiver to close. */
const graceMs = 5000;

/** Lifecycle of one consumer: idle → starting → running ⇄ recovering → stopping → stopped, or failed. */
export class ConsumerOf implements ManagedConsumer {
  readonly settings: ConsumerSettings;
  readonly finished: Promise<void>;
  readonly #context: ConsumerContext;
  readonly #about: { readonly destination: string; readonly group: string | undefined };
  readonly #finish: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #halted = new AbortController();
  /** A later call of `stop` has a shorter deadline, which has passed. */
  readonly #hurry: PromiseWithResolvers<void> = Promise.withResolvers();
  /** No handler runs any more. Looked at from the stop on. */
  readonly #idle: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #over = new AbortController();
  #state: ConsumerState = 'idle';
  #error: AnymqError | undefined;
  #works: Works | undefined;
  #paused = false;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(context: ConsumerContext) {
    this.#context = context;
    this.settings = context.settings;
    this.#about = { destination: this.settings.destination.name, group: this.settings.group };
    this.finished = this.#finish.promise;
    // Whoever does not ask is told by state, event and check().
    this.finished.catch(() => undefined);
  }

  get state(): ConsumerState {
    return this.#state;
  }

  async start(): Promise<void> {
    if (this.#stopping !== undefined) throw new AnymqError('CLOSED', 'The consumer has stopped. Make a new one.');
    if (this.#state !== 'idle') throw new AnymqError('CONFLICT', 'The consumer was started before. Start it once.');
    this.#setState('starting');
    this.#starting = this.#open();
    await this.#starting;
  }

  stop(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    const deadlineMs = requireDeadline('stop', options);
    if (this.#stopping === undefined) this.#stopping = this.#shutDown(deadlineMs);
    else void sleep(this.#context.clock, deadlineMs, this.#over.signal).then(this.#hurry.resolve);
    return this.#stopping;
  }

  pause(): void {
    this.#paused = true;
    this.#works?.dispatcher.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#works?.dispatcher.resume();
  }

  health(): ConsumerHealth {
    const progressAt = this.#works?.dispatcher.desk.progressAt;
    const lastProgressAt = progressAt === undefined ? null : new Date(progressAt);
    return { ...this.#about, state: this.#state, lastProgressAt, error: this.#error };
  }

  waitingPartitions(): readonly number[] {
    return [...(this.#works?.dispatcher.desk.lanes?.paused ?? [])];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #open(): Promise<void> {
    try {
      await this.#build();
      this.#setState('running');
    } catch (error) {
      const { error: wrapped } = await this.#context.wrap(error);
      this.#stopping ??= this.#shutDown(0, wrapped);
      throw wrapped;
    }
  }

  async #build(): Promise<void> {
    const { settings } = this;
    const context = this.#context;
    const createRunner = await context.loadRunner();
    const ordering = settings.ordered ? await import('./lanes.ts') : undefined;
    // A driver may call back while it opens: nothing is in our hands yet.
    const opened: { dispatcher?: Dispatcher } = {};
    const receiver = await this.#openReceiver({
      maxInFlight: handBounds(settings).maxInFlight,
      maxBytes: maxHandBytes,
      ordered: settings.ordered,
      leaseMs: settings.leaseMs,
      transactional: settings.transaction,
      onLost: (tokens, reason) => opened.dispatcher?.lose(tokens, reason),
      onRevoking: (tokens) => opened.dispatcher?.revoke(tokens),
    });
    const dispatcher = new Dispatcher({
      ...context,
      receiver,
      createLanes: ordering && ((desk) => new ordering.Lanes(desk)),
      pump: () => runner.pump(),
      onProgress: () => this.#onProgress(),
      onRefetch: () => loop.interrupt(),
      onTrouble: (what, messages, error) => void this.#onTrouble(what, messages, error),
    });
    opened.dispatcher = dispatcher;
    const runner = createRunner(dispatcher, receiver);
    const onRecovering = (error: AnymqError | undefined): void => {
      this.#error = error;
      this.#setState(error === undefined ? 'running' : 'recovering');
    };
    const loop: FetchLoop = new FetchLoop({ ...context, receiver, dispatcher, onRecovering });
    if (this.#paused) dispatcher.pause();
    this.#works = { receiver, dispatcher, runner, loop, fetching: this.#fetch(loop) };
  }

  async #openReceiver(options: ReceiverOptions): Promise<Receiver> {
    const { clock, random } = this.#context;
    const { signal } = this.#halted;
    const giveUpAt = clock.now() + startWithinMs;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const receiver = await this.#context.openReceiver(options);
        if (!signal.aborted) return receiver;
        await this.#close(receiver);
      } catch (error) {
        const { error: wrapped, retryAfterMs } = await this.#context.wrap(error);
        if (!wrapped.retryable || signal.aborted || clock.now() >= giveUpAt) throw wrapped;
        await sleep(clock, waitBackoff(failures, random, retryAfterMs), signal);
      }
    }
    throw new AnymqError('CLOSED', 'The consumer was stopped.');
  }

  async #fetch(loop: FetchLoop): Promise<void> {
    // Not before the works are in place.
    await Promise.resolve();
    const error = await loop.run();
    if (error !== undefined) this.#stopping ??= this.#shutDown(30_000, error);
  }

  async #shutDown(deadlineMs: number, error?: AnymqError): Promise<void> {
    this.#error = error;
    this.#halted.abort();
    this.#setState('stopping');
    // Why it could not start, the caller of start() is told. That is where an error comes from that is before the works.
    if (this.#works === undefined && error === undefined)
      await within(this.#context.clock, deadlineMs, Promise.allSettled([this.#starting]));
    if (this.#works !== undefined) await this.#stopWorks(this.#works, deadlineMs);
    this.#setState(error === undefined ? 'stopped' : 'failed');
    if (error === undefined) this.#finish.resolve();
    else this.#finish.reject(error);
    this.#over.abort();
  }

  async #stopWorks({ receiver, dispatcher, loop, runner, fetching }: Works, deadlineMs: number): Promise<void> {
    const { desk } = dispatcher;
    const { clock } = this.#context;
    loop.stop();
    runner.stop();
    const ended = Promise.all([dispatcher.halt(), this.#idle.promise]);
    this.#onProgress();
    await within(clock, deadlineMs, Promise.race([this.#hurry.promise, ended]));
    abandonRuns(desk);
    const drained = Promise.resolve(desk.lanes?.recorded).then(() => desk.settler.drained());
    await within(clock, graceMs, Promise.all([drained, this.#error === undefined ? fetching : undefined]));
    dispatcher.stop();
    await within(clock, graceMs, this.#close(receiver));
  }

  async #close(receiver: Receiver): Promise<void> {
    try {
      await receiver.close();
    } catch (error) {
      this.#context.onTrouble('close', (await this.#context.wrap(error)).error);
    }
  }

  #onProgress(): void {
    this.#works?.loop.wake();
    if (this.#halted.signal.aborted && this.#works?.dispatcher.desk.running === 0) this.#idle.resolve();
  }

  async #onTrouble(what: 'settle' | 'hold' | 'lease', messages: number, error: unknown): Promise<void> {
    const { error: wrapped } = await this.#context.wrap(error);
    if (what === 'settle') this.#context.emit({ type: 'settle-failed', ...this.#about, messages, code: wrapped.code });
    this.#context.onTrouble(what, wrapped);
  }

  #setState(state: ConsumerState): void {
    if (this.#state === state || (this.#stopping !== undefined && state === 'running')) return;
    // What ends late changes nothing any more.
    if (this.#over.signal.aborted) return;
    this.#state = state;
    const code = this.#error?.code;
    this.#context.emit({ type: 'consumer-state', ...this.#about, state, ...(code === undefined ? {} : { code }) });
  }
}
