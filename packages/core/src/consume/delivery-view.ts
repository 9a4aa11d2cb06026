import type { AnymqError } from '../errors.ts';
import type { Delivery } from '../consume-types.ts';
import type { Message } from '../message.ts';

/** One run of a handler. The signal costs nothing until somebody reads it. */
export class DeliveryView implements Delivery {
  readonly message: Message;
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly destination: string;
  readonly group: string | undefined;
  /** Of a batch's member. */
  body?: unknown;
  /** Inside a transaction. */
  send?: NonNullable<Delivery['send']>;
  /** Told once, when the signal aborts. */
  onAbort: ((reason: AnymqError) => void) | undefined = undefined;
  #controller: AbortController | undefined;
  #reason: AnymqError | undefined;

  constructor(message: Message, attempt: number, redelivered: boolean, destination: string, group: string | undefined) {
    this.message = message;
    this.attempt = attempt;
    this.redelivered = redelivered;
    this.destination = destination;
    this.group = group;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Why the signal has aborted, or would have, had anybody read it. */
  get aborted(): AnymqError | undefined {
    return this.#reason;
  }

  abort(reason: AnymqError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.onAbort?.(reason);
  }
}
