import type { BatchConsumerOptions, ConsumerOptions } from '../consume-types.ts';
import { requireName, type Destination } from '../destination.ts';
import type { Driver } from '../driver-interface.ts';
import { isIdempotent } from '../middleware/idempotent-mark.ts';
import { invalidOption, readNumbers, requireOneOf } from '../options.ts';
import { requireCapability } from '../produce/require-capability.ts';
import { toRetryPolicy, type RetryPolicy } from '../retry-policy.ts';

/** A consumer's options, checked and with their defaults. */
export interface ConsumerSettings {
  readonly destination: Destination;
  readonly group: string | undefined;
  readonly ordered: boolean;
  /** Handlers, or batches, at once. */
  readonly concurrency: number;
  /** 1 for a consumer of single messages. */
  readonly maxMessages: number;
  readonly maxWaitMs: number;
  readonly retry: RetryPolicy;
  readonly deadLetter: boolean;
  readonly leaseMs: number;
  readonly maxHoldMs: number;
  readonly maxHeld: number;
  readonly crashLimit: number;
  readonly acknowledgeBefore: boolean;
  readonly startAt: 'earliest' | 'latest';
  readonly transaction: boolean;
}

const commonBounds = {
  leaseMs: { standard: 30_000, min: 1000, max: 43_200_000 },
  maxHoldMs: { standard: 900_000, min: 0, max: 43_200_000 },
  maxHeld: { standard: 1000, min: 1, max: 1_000_000, integer: true },
  crashLimit: { standard: 3, min: 1, max: 100, integer: true },
} as const;

const bounds = {
  single: { ...commonBounds, concurrency: { standard: 10, min: 1, max: 10_000, integer: true } },
  batch: {
    ...commonBounds,
    concurrency: { standard: 1, min: 1, max: 1000, integer: true },
    maxMessages: { standard: 100, min: 1, max: 10_000, integer: true },
    maxWaitMs: { standard: 100, min: 0, max: 60_000 },
  },
} as const;

/** @throws INVALID_OPTION, UNSUPPORTED */
export function readConsumerOptions(
  destination: Destination,
  options: ConsumerOptions | BatchConsumerOptions,
  kind: 'single' | 'batch',
  driver: Driver,
): ConsumerSettings {
  const { group, retry, deadLetter, acknowledge = 'after', startAt = 'latest', transaction, use = [] } = options;
  const others = ['group', 'retry', 'deadLetter', 'acknowledge', 'startAt', 'transaction', 'use'];
  const numbers = readNumbers('consumer', options, bounds[kind], others);
  requireOneOf('acknowledge', acknowledge, ['after', 'before']);
  requireOneOf('startAt', startAt, ['earliest', 'latest']);
  if (startAt === 'earliest') requireCapability(driver, 'history', "startAt: 'earliest'");
  if (transaction) requireCapability(driver, 'transactions', 'transaction');
  if (kind === 'batch' && (transaction || acknowledge === 'before'))
    throw invalidOption("transaction and acknowledge: 'before' need a consumer of single messages.");
  if (acknowledge === 'before') refuse({ retry, deadLetter, transaction, idempotent: use.some(isIdempotent) });
  return {
    maxMessages: 1,
    maxWaitMs: 0,
    ...numbers,
    destination,
    group: groupOf(destination, group),
    ordered: destination.ordering === 'key',
    retry: toRetryPolicy(retry),
    deadLetter: deadLetter ?? true,
    acknowledgeBefore: acknowledge === 'before',
    startAt,
    transaction: transaction ?? false,
  };
}

/** Of `acknowledge: 'before'`. */
function refuse(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && value !== false) {
      throw invalidOption(`acknowledge: 'before' is at most once: leave out ${name}.`);
    }
  }
}

/** A topic needs a group and a queue has none. @throws INVALID_OPTION */
export function groupOf(destination: Destination, group: string | undefined): string | undefined {
  if (destination.kind === 'topic') {
    if (group === undefined) throw invalidOption(`'${destination.name}' is a topic: name the group, { group: '…' }.`);
    return requireName('group', group);
  }
  if (group !== undefined) throw invalidOption(`'${destination.name}' is a queue: leave out group, or define a topic.`);
  return undefined;
}
