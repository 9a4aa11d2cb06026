import { type BrokerName, startBroker, type StartBrokerOptions } from '@anymq/testing/brokers';
import type { Contender, Operation } from './contender.ts';
import type { Counts, TimedFrom } from './cases.ts';
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

export interface BrokerInUse {
  readonly url: string;
  stop(): Promise<void>;
}

/** The one that the environment names, or a container of our own. */
export async function useBroker({ broker, start }: BrokerSuite): Promise<BrokerInUse> {
  const url = process.env[`ANYMQ_TEST_${broker.toUpperCase()}_URL`];
  if (url !== undefined && url !== '') return { url, stop: async () => undefined };
  const started = await startBroker(broker, start);
  return { url: started.url, stop: () => started.container.stop() };
}
