import assert from 'node:assert/strict';
import type {
  Address,
  Driver,
  FailureRecord,
  LostReason,
  OutgoingMessage,
  Received,
  Receiver,
  ReceiverOptions,
  Settlement,
  SettleOutcome,
  Token,
} from '@anymq/core/driver';
import type { CaseContext } from './case-context.ts';

/** The queue that the cases on the driver interface itself use. */
export const address: Address = { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 8 };
export const orderedAddress: Address = { ...address, name: 'lanes', ordering: 'key', partitions: 2 };

export function outgoing(id: string, rest: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    id,
    headers: {},
    time: new Date(),
    type: 'jobs',
    source: '/conformance',
    contentType: 'text/plain',
    body: new TextEncoder().encode(id),
    ...rest,
  };
}

export function failure(rest: Partial<FailureRecord> = {}): FailureRecord {
  const now = Date.now();
  return {
    name: 'Error',
    message: 'it failed',
    attempts: 1,
    firstFailedAt: now,
    lastFailedAt: now,
    destination: 'jobs',
    ...rest,
  };
}

export async function provision(driver: Driver, of: Address = address): Promise<void> {
  await driver.provision({ destinations: [{ address: of, groups: [] }] }, 'create');
}

export async function sendAll(
  driver: Driver,
  messages: readonly OutgoingMessage[],
  to: Address = address,
): Promise<void> {
  const sender = await driver.openSender(to);
  const outcomes = await sender.sendBatch(messages, { signal: new AbortController().signal });
  assert.equal(outcomes.length, messages.length);
  assert.ok(outcomes.every(({ ok }) => ok));
  await sender.close();
}

/** A receiver, and what it reported as lost. */
export interface OpenReceiver {
  readonly receiver: Receiver;
  readonly lost: { readonly token: Token; readonly reason: LostReason }[];
}

export async function openReceiver(
  driver: Driver,
  rest: Partial<ReceiverOptions> = {},
  from: Address = address,
): Promise<OpenReceiver> {
  const lost: OpenReceiver['lost'] = [];
  const receiver = await driver.openReceiver(from, {
    maxInFlight: 100,
    maxBytes: 10_000_000,
    ordered: from.ordering === 'key',
    leaseMs: 30_000,
    onLost: (tokens, reason) => void lost.push(...tokens.map((token) => ({ token, reason }))),
    ...rest,
  });
  return { receiver, lost };
}

/** Exactly so many messages, over as many calls as it takes. */
export async function take(context: CaseContext, receiver: Receiver, count: number): Promise<readonly Received[]> {
  const taken: Received[] = [];
  const signal = AbortSignal.timeout(context.within());
  while (taken.length < count) {
    assert.ok(!signal.aborted, `${taken.length} of ${count} messages were received in time`);
    taken.push(...(await receiver.receive({ signal, maxMessages: count - taken.length, maxBytes: 10_000_000 })));
  }
  assert.equal(taken.length, count, 'more than maxMessages');
  return taken;
}

/** Whatever arrives first, or nothing. */
export async function takeAny(receiver: Receiver, withinMs: number): Promise<readonly Received[]> {
  const signal = AbortSignal.timeout(withinMs);
  let received: readonly Received[] = [];
  while (received.length === 0 && !signal.aborted) {
    received = await receiver.receive({ signal, maxMessages: 1, maxBytes: 1_000_000 });
  }
  return received;
}

/** All of them with this outcome, and all of them well. */
export async function settleAll(
  receiver: Receiver,
  received: readonly { readonly token: Token }[],
  outcome: SettleOutcome = { kind: 'acknowledge' },
): Promise<void> {
  const items: readonly Settlement[] = received.map(({ token }) => ({ token, outcome }));
  const results = await receiver.settleBatch(items);
  assert.deepEqual(
    results,
    items.map(() => ({ ok: true })),
  );
}

/** Nothing waits, nothing is held, nothing is delayed; then the queue is removed. */
export async function proveGone(driver: Driver, of: Address = address, deadLetters: number = 0): Promise<void> {
  const { backlog, inFlight, delayed, deadLetters: letters } = await driver.inspect(of);
  for (const [name, { value, exact }] of Object.entries({ backlog, inFlight, delayed })) {
    if (exact) assert.equal(value ?? 0, 0, `${name} ${value}`);
  }
  if (letters.exact) assert.equal(letters.value ?? deadLetters, deadLetters, 'dead letters');
  await driver.remove(of);
}
