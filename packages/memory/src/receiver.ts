import {
  type Address,
  lost,
  type Receiver,
  type ReceiverOptions,
  type Settlement,
  type SettleOutcome,
  type SettleResult,
  type Token,
  type WireMeta,
} from '@anymq/core/driver';
import { BodyStore } from './body-store.ts';
import type { DriverContext } from './driver-context.ts';
import { decodeDeliveries, decodeMessage, encodeMessage } from './encoding.ts';
import { encodingContext } from './sender.ts';
import type { DeliveryToken } from './stored-message.ts';
import { type StoredOutcome, Subscription } from './subscription.ts';
import { createTransaction } from './transaction.ts';

const acknowledge: StoredOutcome = Object.freeze({ kind: 'acknowledge' });

/** Receives from a queue or a group of a topic, as one member of it. @throws NO_SUCH_DESTINATION */
export function createReceiver(context: DriverContext, from: Address, options: ReceiverOptions): Receiver {
  const { broker, connection, namespace, capabilities } = context;
  const group = broker.group(namespace, from);
  const { leaseMs, onLost, onRevoking } = options;
  const subscription = new Subscription(group, {
    leaseMs,
    onLost,
    onRevoking,
    waits: connection.waits,
    isScaleOut: capabilities.orderedScaleOut,
  });
  connection.subscriptions.add(subscription);
  const bodies = new BodyStore();
  const isOrdered = group.assignment !== undefined;
  let isClosed = false;

  const receiver: Receiver = {
    async receive(request) {
      if (isClosed || request.signal.aborted) return [];
      const wait = connection.use(request.signal);
      if (wait !== undefined) await unlessAborted(wait, request.signal);
      const tokens = await subscription.receive(request);
      connection.requireAlive();
      return decodeDeliveries(tokens, { bodies, nowMs: broker.clock.now(), isOrdered });
    },
    async markStarted(tokens) {
      await connection.use();
      subscription.markStarted(tokens.filter(isHeld));
    },
    async recordHeld(held) {
      await connection.use();
      for (const item of held) if (isHeld(item.token)) subscription.recordHeld(item.token, item, item.failure);
    },
    async extendLease(tokens) {
      await connection.use();
      const gone = subscription.extend(tokens.filter(isToken));
      if (gone.length > 0) onLost(gone, 'expired');
    },
    async settleBatch(items) {
      const wait = connection.use();
      if (wait !== undefined) await wait;
      const failure = broker.plan.takeFailedSettle();
      if (failure !== undefined) throw failure;
      return settleAll(context, subscription, items);
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      connection.subscriptions.delete(subscription);
      subscription.end({ isDeath: false });
    },
  };
  if (!capabilities.transactions) return receiver;
  return {
    ...receiver,
    async beginTransaction(tokens) {
      await connection.use();
      return createTransaction(context, subscription, tokens.filter(isToken));
    },
  };
}

async function unlessAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await wait;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function settleAll(context: DriverContext, subscription: Subscription, items: readonly Settlement[]): SettleResult[] {
  const results = items.map(({ token, outcome }) =>
    isToken(token) ? settleOne(context, subscription, token, outcome) : lost,
  );
  subscription.afterSettle();
  return results;
}

function settleOne(
  context: DriverContext,
  subscription: Subscription,
  token: DeliveryToken,
  outcome: SettleOutcome,
): SettleResult {
  if (outcome.kind === 'acknowledge') return subscription.settle(token, acknowledge);
  if (token.result !== undefined || token.holder !== subscription) return subscription.settle(token, acknowledge);
  return subscription.settle(token, storedOutcome(context, token, outcome));
}

function storedOutcome(
  context: DriverContext,
  token: DeliveryToken,
  outcome: Exclude<SettleOutcome, { readonly kind: 'acknowledge' }>,
): StoredOutcome {
  if (outcome.kind === 'release') return outcome;
  const { bodies } = context.broker.runtime;
  const encoding = encodingContext(context);
  const message = decodeMessage(token.entry.message, bodies, encoding.nowMs);
  const meta: WireMeta =
    outcome.kind === 'retry' ? outcome : { attempt: outcome.failure.attempts, failure: outcome.failure };
  const copy = encodeMessage(message, encoding, meta);
  if (outcome.kind === 'deadLetter') return { kind: 'deadLetter', letter: copy };
  copy.partition = token.entry.message.partition;
  return { kind: 'retry', copy };
}

function isToken(token: Token): token is DeliveryToken {
  return typeof token === 'object' && 'holder' in token; // not by class: the broker may be of another copy of this package
}

function isHeld(token: Token): token is DeliveryToken {
  return isToken(token) && token.result === undefined;
}
