import type { AnymqError } from '../errors.ts';
import type { OutgoingMessage } from '../message.ts';
import type { Receipt } from '../send-types.ts';
import type { KeyGate } from './key-gate.ts';
import type { KeyTurns } from './key-turns.ts';
import type { SendCall } from './send-entry.ts';

interface Through {
  readonly turns: KeyTurns | undefined;
  readonly keys: KeyGate | undefined;
  /** Never rejects. */
  readonly wrap: (error: unknown) => Promise<AnymqError>;
}

interface Submitted {
  readonly message: OutgoingMessage;
  readonly call: SendCall;
  readonly index: number;
}

/** Hands one message of a call to the middleware, when it is the turn of its key; the call is told what became of it. */
export function submitThrough(
  { turns, keys, wrap }: Through,
  { message: { key }, call, index }: Submitted,
  send: (onHandedOver?: () => void) => Promise<Receipt>,
): void {
  const run = async (onHandedOver?: () => void): Promise<Receipt> => {
    try {
      return await send(onHandedOver);
    } catch (error) {
      keys?.markFailed(call, key, index);
      throw error;
    }
  };
  (turns === undefined ? run() : turns.take([key], run)).then(
    (receipt) => call.onSent(index, receipt),
    async (error: unknown) => call.onFailed(index, await wrap(error)),
  );
}
