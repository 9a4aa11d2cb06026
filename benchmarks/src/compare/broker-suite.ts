import { type BrokerName, startBroker, type StartBrokerOptions } from '@anymq/testing/brokers';
import { type AnymqOptions, anymqContender, memoryStore } from './anymq.ts';
import type { Counts, TimedFrom } from './cases.ts';
import type { Contender, Operation } from './contender.ts';
import type { LatencyOptions } from './latency.ts';

/** What is compared on one broker. */
export interface BrokerSuite {
  readonly broker: BrokerName;
  /** How it is started when no URL in the environment names one; shown beside the figures. */
  readonly start: StartBrokerOptions;
  readonly setting: string;
  /** What a consumer is timed from. Its start by default. */
  readonly timedFrom?: TimedFrom;
  contenders(): readonly Contender[];
  counts(size: Size): Counts;
  latency(size: Size): LatencyOptions;
  /** Ratio to the raw client that the product should reach, by contender and operation. */
  readonly aims: Readonly<Record<string, Partial<Readonly<Record<Operation, number>>>>>;
  version(url: string): Promise<string>;
}

export type Size = 'full' | 'quick';

/** What differs between the brokers. */
export interface SuiteParts extends Pick<BrokerSuite, 'broker' | 'setting' | 'timedFrom' | 'aims' | 'version'> {
  /** None by default. */
  readonly start?: StartBrokerOptions;
  readonly ours: AnymqOptions;
  readonly raw: Contender;
  /** After the product, the raw client, and the product with idempotency in memory. */
  readonly others: readonly Contender[];
  /** Messages of a case in a quick run; a full one has four times as many. */
  readonly quickCounts: Counts;
  /** Messages to an idle consumer, and how many a second come to a busy one: for 2 s in a quick run, 5 s in a full one. */
  readonly latencies: { readonly idle: Readonly<Record<Size, number>>; readonly perSecond: number };
}

/** The same comparison on every broker. */
export function brokerSuite({
  start = {},
  ours,
  raw,
  others,
  quickCounts,
  latencies,
  ...rest
}: SuiteParts): BrokerSuite {
  const { idle, perSecond } = latencies;
  return {
    ...rest,
    start,
    contenders: () => [
      anymqContender(ours),
      raw,
      anymqContender({ ...ours, name: 'anymq idempotent', store: memoryStore }),
      ...others,
    ],
    counts: (size) => (size === 'quick' ? quickCounts : fourTimes(quickCounts)),
    latency: (size) => ({
      idle: { messages: idle[size], pauseMs: 1 },
      steady: { messages: perSecond * (size === 'quick' ? 2 : 5), perSecond },
      rounds: 3,
    }),
  };
}

function fourTimes(counts: Counts): Counts {
  return {
    sendMany: counts.sendMany * 4,
    'send-awaited': counts['send-awaited'] * 4,
    'send-at-once': counts['send-at-once'] * 4,
    consume: counts.consume * 4,
    'consume-batch': counts['consume-batch'] * 4,
  };
}

export interface BrokerInUse {
  readonly url: string;
  stop(): Promise<void>;
}

/** The one that the environment names, or a container of our own. */
export async function useBroker({ broker, start }: BrokerSuite): Promise<BrokerInUse> {
  const url = givenUrl(broker);
  if (url !== '') return { url, stop: async () => undefined };
  const started = await startBroker(broker, start);
  return { url: started.url, stop: () => started.container.stop() };
}

/** Of a server that does not tell its version to clients: that of the image, when it is ours. */
export function imageVersion(broker: BrokerName, version: string): string {
  return givenUrl(broker) === '' ? version : `${broker}, the server that the environment names`;
}

function givenUrl(broker: BrokerName): string {
  return process.env[`ANYMQ_TEST_${broker.toUpperCase()}_URL`] ?? '';
}
