import type { Capabilities } from './capabilities.ts';
import type { Driver, Receiver } from './driver-interface.ts';
import { AnymqError } from './errors.ts';

/** What of a driver differs from broker to broker. */
export interface DriverParts<C extends Capabilities> extends Omit<Driver<C>, 'specificationVersion' | 'close'> {
  readonly namespace: string;
  /** Before each call that reaches the broker: what it throws or rejects with, the call rejects with. */
  readonly use?: (() => Promise<void> | void) | undefined;
  /** Ends the connection. Called once, when every receiver is closed. */
  close(): Promise<void> | void;
}

/**
 * A driver made of its parts: its calls reject with CLOSED once `close` was called, which first closes every receiver that is
 * still open, then the connection, and is the same promise when it is called again.
 */
export function guardedDriver<C extends Capabilities>({ use, ...parts }: DriverParts<C>): Driver<C> {
  const receivers = new Set<Receiver>();
  let closing: Promise<void> | undefined;
  const requireOpen = (): void => {
    if (closing === undefined) return;
    throw new AnymqError('CLOSED', 'The driver is closed.', { driver: parts.name, outcome: 'not-sent' });
  };
  const guarded =
    <A extends readonly unknown[], R>(call: (...given: A) => Promise<R>): ((...given: A) => Promise<R>) =>
    async (...given) => {
      requireOpen();
      await use?.();
      return call(...given);
    };
  const { seek } = parts;
  return {
    ...parts,
    specificationVersion: 1,
    openSender: guarded(parts.openSender),
    openReceiver: guarded(async (from, options) => {
      const receiver = await parts.openReceiver(from, options);
      remember(receivers, receiver);
      // Closed meanwhile: nobody would close this one.
      if (closing !== undefined) await receiver.close();
      requireOpen();
      return receiver;
    }),
    openDeadLetters: guarded(parts.openDeadLetters),
    provision: guarded(parts.provision),
    remove: guarded(parts.remove),
    inspect: guarded(parts.inspect),
    ...(seek === undefined ? {} : { seek: guarded(seek) }),
    check: guarded(parts.check),
    close() {
      closing ??= closeAll(receivers, parts);
      return closing;
    },
  };
}

/** Until it is closed: a driver outlives many receivers. */
function remember(receivers: Set<Receiver>, receiver: Receiver): void {
  const close = receiver.close.bind(receiver);
  receiver.close = async () => {
    await close();
    receivers.delete(receiver);
  };
  receivers.add(receiver);
}

/** What one receiver fails with keeps neither the others nor the connection open. */
async function closeAll(
  receivers: ReadonlySet<Receiver>,
  connection: { close(): Promise<void> | void },
): Promise<void> {
  const ends = await Promise.allSettled(Array.from(receivers, (receiver) => receiver.close()));
  await connection.close();
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
