import { rabbitmqSuite } from './rabbitmq/suite.ts';
import { redisSuite } from './redis/suite.ts';
import { type ComparisonRun, runComparison } from './compare/run.ts';
import { runGrowth } from './growth/run.ts';
import { kafkaSuite } from './kafka/suite.ts';
import { runIdempotency } from './idempotency/run.ts';
import { runMicro } from './micro/run.ts';
import { sqsSuite } from './sqs/suite.ts';
import { runMemory } from './run-memory.ts';
import type { Report } from './report.ts';

/** Runs, prints and returns what is measured under one name on the command line. */
export type Suite = (run: SuiteRun) => Promise<Report>;
export type SuiteRun = Omit<ComparisonRun, 'rounds'> & { readonly rounds: number | undefined };

/** By the name on the command line, in the order in which `all` runs them. */
export const suites: ReadonlyMap<string, Suite> = new Map<string, Suite>([
  ['memory', (run) => runMemory({ ...run, rounds: run.rounds ?? 5 })],
  ['redis', (run) => runComparison(redisSuite, { ...run, rounds: run.rounds ?? 5 })],
  ['rabbitmq', (run) => runComparison(rabbitmqSuite, { ...run, rounds: run.rounds ?? 5 })],
  ['kafka', (run) => runComparison(kafkaSuite, { ...run, rounds: run.rounds ?? 5 })],
  ['sqs', (run) => runComparison(sqsSuite, { ...run, rounds: run.rounds ?? 5 })],
  ['micro', (run) => runMicro({ ...run, rounds: run.rounds ?? 5 })],
  ['idempotency', (run) => runIdempotency({ ...run, rounds: run.rounds ?? 5 })],
  ['growth', (run) => runGrowth({ ...run, rounds: run.rounds ?? 3 })],
]);
