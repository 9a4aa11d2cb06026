import { systemClock } from '@anymq/core';
import type {
  Address,
  Driver,
  OutgoingMessage,
  ReceiveOptions,
  Receiver,
  ReceiverOptions,
  Token,
} from '@anymq/core/driver';
import { createSqsDriver } from '@anymq/sqs';
import type { ScriptedClient } from './scripted-client.ts';

export const standard: Address = { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 8 };
export const fifo: Address = { ...standard, ordering: 'key' };
export const signal: AbortSignal = new AbortController().signal;
export const wanted: ReceiveOptions = { signal, maxMessages: 10, maxBytes: 1_000_000 };
export const acknowledge = { kind: 'acknowledge' } as const;
export const release = { kind: 'release', delayMs: 0 } as const;

export async function driverOn(client: ScriptedClient, now: () => number = Date.now): Promise<Driver> {
  return createSqsDriver({
    client,
    region: 'eu-west-1',
    namespace: 'test',
    clock: { ...systemClock, now },
  });
}

export interface Opened {
  readonly receiver: Receiver;
  readonly lost: Token[];
}

export async function opened(driver: Driver, rest: Partial<ReceiverOptions> = {}): Promise<Opened> {
  const lost: Token[] = [];
  const receiver = await driver.openReceiver(rest.ordered === true ? fifo : standard, {
    maxInFlight: 100,
    maxBytes: 1_000_000,
    ordered: false,
    leaseMs: 30_000,
    onLost: (tokens) => void lost.push(...tokens),
    ...rest,
  });
  return { receiver, lost };
}

export function messages(...ids: readonly string[]): OutgoingMessage[] {
  return ids.map((id) => ({
    id,
    headers: {},
    time: new Date(),
    type: 'jobs',
    source: '/test',
    body: new TextEncoder().encode(id),
  }));
}
