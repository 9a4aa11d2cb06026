import type { Address, OutgoingMessage, SendOutcome, Sender } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import { encodeMessage, type EncodingContext } from './encoding.ts';
import { MemoryBrokerError } from './errors.ts';
import type { StoredDestination } from './stored-destination.ts';
import type { StoredMessage } from './stored-message.ts';

/** Sends to one destination. A batch is stored as a whole or not at all. */
export function createSender(context: DriverContext, to: Address): Sender {
  const { broker, connection, namespace } = context;
  return {
    async sendBatch(messages, { signal }) {
      if (signal.aborted) throw new MemoryBrokerError('CALL_ABORTED', 'The send was aborted.');
      const wait = connection.use(signal);
      if (wait !== undefined) await wait;
      const refusal = broker.plan.takeFailedSend();
      if (refusal !== undefined) throw refusal;
      const outcomes = append(broker.destination(namespace, to), messages, encodingContext(context));
      const lostConfirmation = broker.plan.takeDroppedConfirmation();
      if (lostConfirmation !== undefined) throw lostConfirmation;
      return outcomes;
    },
    async close() {},
  };
}

export function encodingContext({ broker, limits }: DriverContext): EncodingContext {
  return { bodies: broker.runtime.bodies, nowMs: broker.clock.now(), maxDelayMs: limits.delay.maxMs };
}

function append(
  destination: StoredDestination,
  messages: readonly OutgoingMessage[],
  encoding: EncodingContext,
): SendOutcome[] {
  const stored = messages.map((message) => encodeMessage(message, encoding));
  const firstOffset = destination.append(stored);
  return stored.map((message, index) => ({
    ok: true,
    receipt: receiptOf(message, destination, firstOffset === undefined ? undefined : firstOffset + index),
  }));
}

function receiptOf(
  message: StoredMessage,
  destination: StoredDestination,
  offset: number | undefined,
): { readonly id: string; readonly partition: number | undefined; readonly offset: string | undefined } {
  return {
    id: message.id,
    partition: destination.partitions > 0 ? message.partition : undefined,
    offset: offset === undefined || message.visibleAt > message.storedAt ? undefined : String(offset),
  };
}
