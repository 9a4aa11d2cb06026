import type { Address, DriverTransaction, OutgoingMessage } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import { encodeMessage } from './encoding.ts';
import { MemoryBrokerError } from './errors.ts';
import { encodingContext } from './sender.ts';
import type { StoredDestination } from './stored-destination.ts';
import type { DeliveryToken } from './stored-message.ts';
import type { Subscription } from './subscription.ts';

interface TransactionSend {
  readonly to: Address;
  readonly messages: readonly OutgoingMessage[];
}

/** Sends and acknowledgements that happen together. A driver that dies before `commit` leaves nothing behind. */
export function createTransaction(
  context: DriverContext,
  subscription: Subscription,
  tokens: readonly DeliveryToken[],
): DriverTransaction {
  const { broker, connection, namespace } = context;
  let sends: TransactionSend[] = [];
  let isOpen = true;
  const requireOpen = (): void => {
    if (!isOpen) throw new MemoryBrokerError('TRANSACTION_FENCED', 'The transaction has ended.');
  };
  return {
    async send(to, messages) {
      await connection.use();
      requireOpen();
      broker.destination(namespace, to);
      sends.push({ to, messages });
    },
    async commit() {
      await connection.use();
      requireOpen();
      if (tokens.some((token) => token.result !== undefined))
        throw new MemoryBrokerError('TRANSACTION_FENCED', 'A delivery of the transaction was lost.');
      const appends = sends.map(({ to, messages }) => [broker.destination(namespace, to), messages] as const);
      isOpen = false;
      for (const [destination, messages] of appends) append(context, destination, messages);
      for (const token of tokens) subscription.settle(token, { kind: 'acknowledge' });
      subscription.afterSettle();
    },
    async abort() {
      isOpen = false;
      sends = [];
    },
  };
}

function append(context: DriverContext, destination: StoredDestination, messages: readonly OutgoingMessage[]): void {
  const encoding = encodingContext(context);
  destination.append(messages.map((message) => encodeMessage(message, encoding)));
}
