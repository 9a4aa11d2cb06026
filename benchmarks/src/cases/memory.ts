import type { BenchCase } from '../bench-case.ts';
import { memoryTarget } from '../memory-target.ts';
import { type CodecName, codecNames } from '../payload.ts';
import type { Setup } from '../setup.ts';
import { stubTarget } from '../stub-target.ts';
import type { TargetKind } from '../target.ts';
import { type ConsumeOperation, consumeCase } from './consume.ts';
import { memoryDriverCases } from './memory-driver.ts';
import { type SendOperation, sendCase } from './send.ts';

/** Messages of a run: enough for some tens of milliseconds of a quiet core. */
interface Counts {
  readonly awaited: number;
  readonly safe: number;
  readonly other: number;
}

const counts: Readonly<Record<'full' | 'quick', Counts>> = {
  full: { awaited: 10_000, safe: 15_000, other: 40_000 },
  quick: { awaited: 1500, safe: 3000, other: 6000 },
};

const consumeOperations: readonly ConsumeOperation[] = ['consume-sync', 'consume-async', 'consume-batch'];

/** Issue 3's aims, for one core and `bytes`: a million a second, and 2 µs of core's own in a handler of single messages. */
const aims: Readonly<Record<string, number>> = {
  'memory sendMany bytes plain': 1,
  'memory consume-batch bytes plain': 1,
  'core consume-sync bytes plain': 2,
  'core consume-async bytes plain': 2,
};

/** Every case of the memory broker, in the order in which a round runs them. */
export function memoryCases(size: 'full' | 'quick'): readonly BenchCase[] {
  const count = counts[size];
  return [
    ...codecNames.flatMap((codec) => sendCases(memoryTarget, codec, count)),
    ...codecNames.flatMap((codec) => consumeCases(memoryTarget, codec, count)),
    ...sendCases(stubTarget, 'bytes', count),
    ...consumeCases(stubTarget, 'bytes', count),
    consumeCase(stubTarget, caseOf('core', 'consume-sync', { codec: 'json', variant: 'plain' }, count.other)),
    ...memoryDriverCases(count.other),
  ];
}

function sendCases(target: TargetKind, codec: CodecName, { awaited, other }: Counts): readonly BenchCase[] {
  const plain: Setup = { codec, variant: 'plain' };
  return [
    sendCase(target, caseOf(target.on, 'send-awaited', plain, awaited)),
    sendCase(target, caseOf(target.on, 'send-at-once', plain, other)),
    sendCase(target, caseOf(target.on, 'sendMany', plain, other)),
    sendCase(target, caseOf(target.on, 'sendMany', { codec, variant: 'ordered' }, other)),
  ];
}

function consumeCases(target: TargetKind, codec: CodecName, { safe, other }: Counts): readonly BenchCase[] {
  return consumeOperations.flatMap((operation) => [
    consumeCase(target, caseOf(target.on, operation, { codec, variant: 'plain' }, other)),
    consumeCase(target, caseOf(target.on, operation, { codec, variant: 'safe' }, safe)),
    consumeCase(target, caseOf(target.on, operation, { codec, variant: 'ordered' }, other)),
  ]);
}

function caseOf<Operation extends SendOperation | ConsumeOperation>(
  on: string,
  operation: Operation,
  setup: Setup,
  messages: number,
): {
  readonly operation: Operation;
  readonly setup: Setup;
  readonly messages: number;
  readonly aimMicroseconds: number | undefined;
} {
  const aimMicroseconds = aims[`${on} ${operation} ${setup.codec} ${setup.variant}`];
  return { operation, setup, messages, aimMicroseconds };
}
