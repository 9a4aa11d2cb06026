import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../../../benchmarks/src/report.ts';
import type { CaseResult } from '../../../benchmarks/src/runner.ts';
import { ratioOf } from '../../../benchmarks/src/statistics.ts';
import {
  allStoreCases,
  faultyStores,
  storeGroupTitles,
  type StoreGroup,
} from '../../../packages/testing/src/conformance.ts';
import { list, table } from '../markdown.ts';
import { readSource, workspace } from '../pages.ts';

/** The cases of the suite for idempotency stores. */
export function storeCaseList(): string {
  const groups = Object.keys(storeGroupTitles) as readonly StoreGroup[];
  return list(
    groups.map((group) => {
      const names = allStoreCases.filter((each) => each.group === group).map(({ name }) => name);
      return `**${storeGroupTitles[group]}**: ${names.join('; ')}`;
    }),
  );
}

/** The mistakes of stores that the suite is known to catch. */
export function faultyStoreTable(): string {
  return table(
    ['mistake', 'caught by'],
    faultyStores.map(({ name, caughtBy }) => [name, caughtBy.join(', ')]),
  );
}

const handlers: Readonly<Record<string, string>> = {
  consume: 'single',
  'consume-batch': 'a batch',
  'consume-4-batches': 'four batches at once',
};

/** What was measured, one line for each consumer and protection. */
export function idempotencyCost(): string {
  const path = 'benchmarks/results/idempotency.json';
  if (!existsSync(join(workspace, path))) return 'Not measured yet.';
  const { cases } = JSON.parse(readSource(path)) as Report;
  const guarded = cases.filter(({ variant }) => variant !== 'without');
  return table(
    ['messages on', 'handlers', 'protection', 'messages/s', 'of without', 'µs more of the processor'],
    guarded.map((result) => {
      const { median, min, max } = shareOf(result, cases);
      const share = `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
      const speed = Math.round(result.messagesPerSecond.median).toLocaleString('en-US');
      return [
        result.on,
        handlers[result.operation] ?? result.operation,
        result.variant,
        speed,
        share,
        moreCpu(result, cases),
      ];
    }),
  );
}

/** Of the consumer's process, for each message. */
function moreCpu(result: CaseResult, cases: readonly CaseResult[]): string {
  return (result.cpuMicroseconds.median - withoutOf(result, cases).cpuMicroseconds.median).toFixed(1);
}

function withoutOf(result: CaseResult, cases: readonly CaseResult[]): CaseResult {
  const { on, operation } = result;
  return cases.find((each) => each.on === on && each.operation === operation && each.variant === 'without') ?? result;
}

function shareOf(result: CaseResult, cases: readonly CaseResult[]): ReturnType<typeof ratioOf> {
  const speeds = ({ perRound }: CaseResult): readonly number[] =>
    perRound.map(({ messagesPerSecond }) => messagesPerSecond);
  return ratioOf(speeds(result), speeds(withoutOf(result, cases)));
}
