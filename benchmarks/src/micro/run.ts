import type { BenchCase, Labels } from '../bench-case.ts';
import { consumeCase, type ConsumeOperation } from '../cases/consume.ts';
import { sendCase } from '../cases/send.ts';
import { choose } from '../choose.ts';
import type { ComparisonRun } from '../compare/run.ts';
import { progress } from '../progress.ts';
import { type Report, reportOf } from '../report.ts';
import type { Variant } from '../setup.ts';
import { type Spread, spreadOf } from '../statistics.ts';
import { stubTarget } from '../stub-target.ts';
import { partNames } from './parts.ts';
import { microTable } from './print.ts';
import { bytesByPart, type ByPart, timeByPart } from './profile.ts';

/** What one part of core costs for one message. */
export interface PartCost extends Labels {
  readonly part: string;
  readonly microseconds: Spread;
  readonly bytes: Spread;
}

const warmUpRounds = 3;
/** No further round is begun after so long, once so many are counted. */
const withinMs: Readonly<Record<ComparisonRun['size'], number>> = { quick: 60_000, full: 90_000 };
const fewest = 3;

/** Core alone, on a driver that does next to nothing: where the time and the memory of a message go. */
export async function runMicro({ size, rounds, only }: ComparisonRun): Promise<Report> {
  const cases = choose(microCases(size === 'quick' ? 10_000 : 50_000), only);
  const measured = cases.map((benchCase) => ({ benchCase, times: [] as ByPart[], allocations: [] as ByPart[] }));
  const endAt = performance.now() + withinMs[size];
  for (let round = 1 - warmUpRounds; round <= rounds && !(round > fewest && performance.now() > endAt); round += 1) {
    for (const { benchCase, times, allocations } of measured) {
      progress(
        `${round > 0 ? `round ${round}` : 'warm-up'}: ${benchCase.labels.operation} ${benchCase.labels.variant}`,
      );
      const time = await profiled(benchCase, timeByPart);
      const bytes = await profiled(benchCase, bytesByPart);
      if (round < 1) continue;
      times.push(time);
      allocations.push(bytes);
    }
  }
  progress('');
  const micro = measured.flatMap(({ benchCase, times, allocations }) => costsOf(benchCase, times, allocations));
  console.log(`\n${microTable(micro)}`);
  const counted = measured[0]?.times.length ?? 0;
  return reportOf({ broker: 'micro', size, rounds: counted, cases: [], backlogs: [], micro });
}

function microCases(messages: number): readonly BenchCase[] {
  const consume = (operation: ConsumeOperation, variant: Variant) =>
    consumeCase(stubTarget, { operation, setup: { codec: 'json', variant }, messages });
  return [
    sendCase(stubTarget, { operation: 'sendMany', setup: { codec: 'json', variant: 'plain' }, messages }),
    sendCase(stubTarget, { operation: 'send-at-once', setup: { codec: 'json', variant: 'plain' }, messages }),
    consume('consume-async', 'plain'),
    consume('consume-async', 'safe'),
    consume('consume-async', 'ordered'),
    consume('consume-batch', 'plain'),
  ];
}

async function profiled(
  { prepare, messages }: BenchCase,
  profile: (work: () => Promise<void>) => Promise<ByPart>,
): Promise<ByPart> {
  const prepared = await prepare();
  const found = await profile(() => prepared.run());
  await prepared.finish();
  return new Map([...found].map(([part, sum]) => [part, sum / messages]));
}

function costsOf({ labels }: BenchCase, times: readonly ByPart[], allocations: readonly ByPart[]): readonly PartCost[] {
  const spread = (rounds: readonly ByPart[], part: string) => spreadOf(rounds.map((round) => round.get(part) ?? 0));
  return partNames
    .map((part) => ({ ...labels, part, microseconds: spread(times, part), bytes: spread(allocations, part) }))
    .filter(({ microseconds, bytes }) => microseconds.median >= 0.005 || bytes.median >= 1);
}
