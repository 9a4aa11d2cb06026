import type { BenchCase } from '../bench-case.ts';
import { choose } from '../choose.ts';
import { collector } from '../collector.ts';
import { type BrokerInUse, type BrokerSuite, type Size, useBroker } from '../compare/broker-suite.ts';
import type { ComparisonRun } from '../compare/run.ts';
import { progress } from '../progress.ts';
import { rabbitmqSuite } from '../rabbitmq/suite.ts';
import { redisSuite } from '../redis/suite.ts';
import { type Report, reportOf } from '../report.ts';
import { runToFit } from '../run-to-fit.ts';
import { type BrokerBacklog, measureBrokerBacklog } from './backlog.ts';
import { concurrencyCase, groupsCase, keysCase, sizeCases } from './cases.ts';
import { processesCase } from './members.ts';
import { brokerBacklogTable, growthTable } from './print.ts';

/** Messages of a run, by broker: some hundreds of milliseconds of a quiet machine. Fewer where the rounds would not fit. */
const brokers: readonly { readonly suite: BrokerSuite; readonly messages: number; readonly largestBacklog: number }[] =
  [
    { suite: redisSuite, messages: 20_000, largestBacklog: 1_000_000 },
    { suite: rabbitmqSuite, messages: 8000, largestBacklog: 100_000 },
  ];

const axes = {
  size: [100, 1000, 10_000, 65_536, 131_072, 262_144],
  concurrency: [1, 10, 100, 1000],
  keys: [1, 10, 100, 1000, 10_000, 100_000],
  groups: [1, 2, 4, 8, 16, 32],
  processes: [1, 2, 4, 8],
  backlog: [1000, 10_000, 100_000, 1_000_000],
} as const;
/** What a quick run leaves out: every second point, and not the last. */
const every: Readonly<Record<Size, number>> = { full: 1, quick: 2 };
/** A quick run, which is on two brokers, ends within five minutes. */
const withinMs: Readonly<Record<Size, number>> = { quick: 200_000, full: 360_000 };
const bytesAtOnce = 32_000_000;

/** How the cost of the product grows, on real brokers. */
export async function runGrowth({ size, rounds, only }: ComparisonRun): Promise<Report> {
  const inUse: { readonly name: string; readonly broker: BrokerInUse }[] = [];
  try {
    for (const { suite } of brokers) inUse.push({ name: suite.broker, broker: await useBroker(suite) });
    const urls = new Map(inUse.map(({ name, broker }) => [name, broker.url]));
    const servers = await Promise.all(brokers.map(({ suite }) => suite.version(urls.get(suite.broker) ?? '')));
    console.log(servers.join(', '));
    const casesAt = (share: number) =>
      brokers.flatMap((one) => casesOf(urls.get(one.suite.broker) ?? '', one, { size, share }));
    const results = await runToFit((share) => choose(casesAt(share), only), {
      rounds,
      withinMs: withinMs[size],
      onProgress: (round, { on, operation, codec }) => progress(`round ${round}: ${on}, ${operation} ${codec}`),
    });
    progress('');
    console.log(`\n${growthTable(results)}`);
    const backlogs = only.length > 0 ? [] : await runBacklogs(urls, size);
    return reportOf({
      broker: 'growth',
      size,
      rounds: results[0]?.perRound.length ?? 0,
      cases: results,
      backlogs: [],
      brokerBacklogs: backlogs,
      servers,
    });
  } finally {
    await Promise.all(inUse.map(({ broker }) => broker.stop()));
  }
}

function casesOf(
  url: string,
  { suite, messages: usual }: (typeof brokers)[number],
  { size, share }: { readonly size: Size; readonly share: number },
): readonly BenchCase[] {
  const on = suite.broker;
  const messages = Math.ceil(usual * share);
  const at = (values: readonly number[]) =>
    values.filter((_, index) => index % every[size] === 0 || index === values.length - 1);
  return [
    ...at(axes.size).flatMap((x) =>
      sizeCases(url, { on, x, messages: Math.min(messages, Math.floor((share * bytesAtOnce) / x)) }),
    ),
    // One handler of a millisecond at a time: a thousand messages are a second.
    ...at(axes.concurrency).map((x) => concurrencyCase(url, { on, x, messages: Math.min(messages, 400 * x) })),
    // A key that comes once needs a message of its own.
    ...at(axes.keys).map((x) => keysCase(url, { on, x, messages: Math.max(messages, x) })),
    // As many for each group, however many there are: starting a group costs something, too.
    ...at(axes.groups).map((x) => groupsCase(url, { on, x, messages: Math.ceil(messages / 8) * x })),
    ...at(axes.processes).map((x) => processesCase(url, { on, x, messages: Math.ceil(2000 * share) })),
  ];
}

async function runBacklogs(urls: ReadonlyMap<string, string>, size: Size): Promise<readonly BrokerBacklog[]> {
  const collect = collector();
  const measured: BrokerBacklog[] = [];
  for (const { suite, largestBacklog } of brokers) {
    const most = size === 'quick' ? largestBacklog / 10 : largestBacklog;
    for (const backlog of axes.backlog.filter((one) => one <= most)) {
      progress(`memory of a consumer: ${suite.broker}, backlog of ${backlog}`);
      measured.push(await measureBrokerBacklog(urls.get(suite.broker) ?? '', suite.broker, backlog, collect));
    }
  }
  progress('');
  console.log(
    `\nMemory of a consumer with a slow handler, after garbage collection\n\n${brokerBacklogTable(measured)}`,
  );
  return measured;
}
