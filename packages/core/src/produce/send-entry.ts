import type { AnymqError } from '../errors.ts';
import type { OutgoingMessage } from '../message.ts';
import type { Receipt } from '../send-types.ts';

/** Who waits for a message: a `send` (one entry) or a `sendMany` (many). */
export interface SendCall {
  onSent(index: number, receipt: Receipt): void;
  onFailed(index: number, error: AnymqError): void;
  /** Key → index of its first message that failed: later ones are not sent. */
  failedKeys?: Map<string, number> | undefined;
}

/** A message on its way through the batcher. */
export class SendEntry {
  readonly message: OutgoingMessage;
  readonly bytes: number;
  call: SendCall;
  readonly index: number;
  readonly deadline: number;
  /** True from the first time that a driver got it: from then on a failure's outcome is 'unknown'. */
  offered = false;
  done = false;
  /** Counted as in flight for its key, also while it waits to be sent again. */
  holdsKey = false;

  constructor(message: OutgoingMessage, call: SendCall, index: number, deadline: number) {
    this.message = message;
    this.bytes = sizeOf(message);
    this.call = call;
    this.index = index;
    this.deadline = deadline;
  }
}

/** Body, key and headers: what counts towards a batch. Attributes are the driver's to add. */
function sizeOf({ body, key, headers }: OutgoingMessage): number {
  let bytes = body.byteLength + (key?.length ?? 0);
  for (const name in headers) bytes += name.length + (headers[name] as string).length;
  return bytes;
}
