import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { BacklogMemory } from './cases/backlog-memory.ts';
import { bodyBytes } from './payload.ts';
import type { Comparison } from './compare/comparison.ts';
import type { LatencyResult } from './compare/latency.ts';
import type { BrokerBacklog } from './growth/backlog.ts';
import type { PartCost } from './micro/run.ts';
import type { CaseResult } from './runner.ts';

/** One run of the benchmarks, with all that its figures depend on. */
export interface Report {
  readonly broker: string;
  readonly size: 'full' | 'quick';
  readonly rounds: number;
  readonly bodyBytes: number;
  readonly machine: Machine;
  /** Of the repository; with '+' when files had been changed since; undefined outside of a repository. */
  readonly commit: string | undefined;
  readonly at: string;
  readonly cases: readonly CaseResult[];
  readonly backlogs: readonly BacklogMemory[];
  /** What a message costs in core, by part. */
  readonly micro?: readonly PartCost[];
  /** How much a consumer holds beside a backlog at a real broker. */
  readonly brokerBacklogs?: readonly BrokerBacklog[];
  /** Of a suite on several: each with its version. */
  readonly servers?: readonly string[];
  /** Of a real broker. */
  readonly against?: Against;
}

/** What a comparison on a real broker adds. */
export interface Against {
  /** The server, with its version, and how it was set. */
  readonly server: string;
  readonly setting: string;
  readonly contenders: readonly ContenderReport[];
  readonly comparisons: readonly Comparison[];
  readonly latencies: readonly LatencyResult[];
}

export interface ContenderReport {
  readonly name: string;
  readonly role: string;
  readonly version: string;
  readonly lacks: readonly string[];
  /** What of it failed in this run, and is therefore not among the figures. */
  readonly failures: readonly string[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly node: string;
  readonly v8: string;
}

export type Measured = Omit<Report, 'bodyBytes' | 'machine' | 'commit' | 'at'>;

export function reportOf(measured: Measured): Report {
  return { ...measured, bodyBytes, machine: thisMachine(), commit: commit(), at: new Date().toISOString() };
}

export function writeReports(file: string, reports: readonly Report[]): void {
  writeFileSync(file, asJson(reports));
}

/** With no more digits than mean something. */
export function asJson(value: unknown): string {
  const short = (_: string, item: unknown): unknown =>
    typeof item === 'number' && !Number.isInteger(item) ? Number(item.toPrecision(5)) : item;
  return `${JSON.stringify(value, short, 2)}\n`;
}

export function thisMachine(): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    v8: process.versions.v8,
  };
}

function commit(): string | undefined {
  try {
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+');
  } catch {
    return undefined;
  }
}

function git(...args: readonly string[]): string {
  const { dirname: cwd } = import.meta;
  return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}
