import type {
  Address,
  Driver,
  FailureRecord,
  LostReason,
  OutgoingMessage,
  Received,
  Receiver,
  SettleOutcome,
  SettleResult,
  Token,
} from '@anymq/core/driver';
import {
  createMemoryBroker,
  createMemoryDriver,
  createVirtualClock,
  type MemoryBroker,
  type MemoryDriverOptions,
  type VirtualClock,
} from '@anymq/memory';

export const queue: Address = { kind: 'queue', name: 'orders', ordering: 'none', partitions: 8 };
export const ordered: Address = { kind: 'queue', name: 'lanes', ordering: 'key', partitions: 4 };
export const topic: Address = { kind: 'topic', name: 'changes', ordering: 'none', partitions: 8 };
export const app: Address = { ...topic, group: 'app' };
export const web: Address = { ...topic, group: 'web' };
export const acknowledge: SettleOutcome = { kind: 'acknowledge' };

export interface Bench {
  readonly clock: VirtualClock;
  readonly broker: MemoryBroker;
  readonly driver: (options?: MemoryDriverOptions) => Driver;
}

/** A broker on a virtual clock. */
export function createBench(): Bench {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  return { clock, broker, driver: (options) => createMemoryDriver({ broker, ...options }) as Driver };
}

/** A driver with the queue, the ordered queue, and the topic with both groups. */
export async function provisioned(driver: Driver): Promise<Driver> {
  const groups = [
    { name: 'app', startAt: 'latest' },
    { name: 'web', startAt: 'latest' },
  ] as const;
  const destinations = [
    { address: queue, groups: [] },
    { address: ordered, groups: [] },
    { address: topic, groups },
  ];
  await driver.provision({ destinations }, 'create');
  return driver;
}

export function outgoing(id: string, rest: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    id,
    headers: {},
    time: new Date(0),
    type: 'test',
    source: '/test',
    body: new TextEncoder().encode(id),
    ...rest,
  };
}

export async function send(driver: Driver, to: Address, messages: readonly OutgoingMessage[]): Promise<void> {
  const sender = await driver.openSender(to);
  const outcomes = await sender.sendBatch(messages, { signal: new AbortController().signal });
  if (!outcomes.every(({ ok }) => ok)) throw new Error('not sent');
}

export interface Member extends Receiver {
  readonly lost: { readonly ids: readonly string[]; readonly reason: LostReason }[];
  readonly revoking: string[];
  /** What there is now; empty: nothing. */
  take(
    maxMessages?: number,
    rest?: { readonly maxBytes?: number; readonly pausedPartitions?: ReadonlySet<number> },
  ): Promise<readonly Received[]>;
  settle(received: readonly Received[], outcome?: SettleOutcome): Promise<readonly SettleResult[]>;
}

export async function join(driver: Driver, from: Address, leaseMs = 10_000): Promise<Member> {
  const names = new Map<Token, string>();
  const idsOf = (tokens: readonly Token[]): string[] => tokens.map((token) => names.get(token) ?? '?');
  const lost: Member['lost'] = [];
  const revoking: string[] = [];
  const receiver = await driver.openReceiver(from, {
    maxInFlight: 100,
    maxBytes: 1e6,
    ordered: from.ordering === 'key',
    leaseMs,
    onLost: (tokens, reason) => void lost.push({ ids: idsOf(tokens), reason }),
    onRevoking: (tokens) => void revoking.push(...idsOf(tokens)),
  });
  return Object.assign(receiver, {
    lost,
    revoking,
    async take(
      maxMessages = 100,
      rest: { readonly maxBytes?: number; readonly pausedPartitions?: ReadonlySet<number> } = {},
    ) {
      const controller = new AbortController();
      const receiving = receiver.receive({ signal: controller.signal, maxMessages, maxBytes: 1e6, ...rest });
      const ended = Promise.allSettled([receiving]);
      await turns();
      controller.abort();
      await ended;
      const received = await receiving;
      for (const { token, id } of received) names.set(token, id);
      return received;
    },
    settle: (received: readonly Received[], outcome: SettleOutcome = acknowledge) =>
      receiver.settleBatch(received.map(({ token }) => ({ token, outcome }))),
  });
}

export const ids = (received: readonly { readonly id: string }[]): string[] => received.map(({ id }) => id);

/** Lets everything settle that can. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export const failure: FailureRecord = {
  name: 'RangeError',
  message: 'no',
  attempts: 2,
  firstFailedAt: 1,
  lastFailedAt: 2,
  destination: 'orders',
};

export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('It is missing.');
  return value;
}
