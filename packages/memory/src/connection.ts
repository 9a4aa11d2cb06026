import { MemoryBrokerError } from './errors.ts';
import { Gate } from './gate.ts';
import type { Runtime } from './runtime.ts';
import type { Subscription } from './subscription.ts';
import { Waits } from './waits.ts';

/** One driver's link to the broker. */
export class Connection {
  readonly subscriptions: Set<Subscription> = new Set();
  readonly waits: Waits;
  readonly #gate = new Gate();
  readonly #runtime: Runtime;
  #ended: MemoryBrokerError | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.waits = new Waits(runtime.clock, runtime.longestWaitMs);
  }

  /** Before every call: nothing, or a promise while the broker is paused. @throws CONNECTION_LOST, CLOSED */
  use(signal?: AbortSignal): Promise<void> | undefined {
    this.requireAlive();
    return this.#runtime.isPaused ? this.#gate.wait(signal) : undefined;
  }

  /** After a pause. */
  resume(): void {
    this.#gate.open();
  }

  /** @throws CONNECTION_LOST, CLOSED */
  requireAlive(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  /** Pending calls reject. Before `disconnect`, of all connections that are cut together. */
  failCalls(error: MemoryBrokerError): void {
    this.#gate.fail(error);
    for (const subscription of this.subscriptions) subscription.failWait(error);
  }

  /** Deliveries go back; it works again at once. */
  disconnect(): void {
    for (const subscription of this.subscriptions) subscription.disconnect();
  }

  /** As when the process is killed: from now on every call rejects, and what was in hand goes back. */
  crash(): void {
    this.#end(new MemoryBrokerError('CONNECTION_LOST', 'This driver was crashed.'), true);
  }

  close(): void {
    if (this.#ended === undefined) this.#end(new MemoryBrokerError('CLOSED', 'This driver is closed.'), false);
  }

  #end(error: MemoryBrokerError, isDeath: boolean): void {
    this.#ended = error;
    this.failCalls(error);
    for (const subscription of this.subscriptions) subscription.end({ isDeath });
    this.subscriptions.clear();
  }
}
