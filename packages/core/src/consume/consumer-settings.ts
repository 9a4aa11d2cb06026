import type { Capabilities, Limits } from '../capabilities.ts';
import type { BatchConsumerOptions, ConsumerOptions } from '../consume-types.ts';
import { requireName, type Destination } from '../destination.ts';
import { isIdempotent } from '../middleware/idempotent-mark.ts';
import { invalidOption, requireKnown, requireNumber, requireOneOf } from '../options.ts';
import { requireCapability } from '../produce/build-message.ts';
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

const common = [
  'group',
  'concurrency',
  'retry',
  'deadLetter',
  'leaseMs',
  'maxHoldMs',
  'maxHeld',
  'crashLimit',
  'acknowledge',
  'startAt',
  'use',
  'transaction',
];

/** @throws INVALID_OPTION, UNSUPPORTED */
export function readConsumerOptions(
  destination: Destination,
  options: ConsumerOptions | BatchConsumerOptions,
  kind: 'single' | 'batch',
  driver: { readonly capabilities: Capabilities; readonly limits: Limits; readonly name: string },
): ConsumerSettings {
  requireKnown('consumer', options, kind === 'batch' ? [...common, 'maxMessages', 'maxWaitMs'] : common);
  const batch = kind === 'batch' ? (options as BatchConsumerOptions) : undefined;
  checkCombinations(options);
  checkCapabilities(options, driver);
  return {
    destination,
    group: groupOf(destination, options.group),
    ordered: destination.ordering === 'key',
    concurrency: requireNumber('concurrency', options.concurrency ?? (batch ? 1 : 10), {
      min: 1,
      max: batch ? 1000 : 10_000,
      integer: true,
    }),
    maxMessages: batch
      ? requireNumber('maxMessages', batch.maxMessages ?? 100, { min: 1, max: 10_000, integer: true })
      : 1,
    maxWaitMs: batch ? requireNumber('maxWaitMs', batch.maxWaitMs ?? 100, { min: 0, max: 60_000 }) : 0,
    retry: toRetryPolicy(options.retry),
    deadLetter: options.deadLetter ?? true,
    leaseMs: requireNumber('leaseMs', options.leaseMs ?? 30_000, { min: 1000, max: 43_200_000 }),
    maxHoldMs: requireNumber('maxHoldMs', options.maxHoldMs ?? 900_000, { min: 0, max: 43_200_000 }),
    maxHeld: requireNumber('maxHeld', options.maxHeld ?? 1000, { min: 1, max: 1_000_000, integer: true }),
    crashLimit: requireNumber('crashLimit', options.crashLimit ?? 3, { min: 1, max: 100, integer: true }),
    acknowledgeBefore: options.acknowledge === 'before',
    startAt: requireOneOf('startAt', options.startAt ?? 'latest', ['earliest', 'latest']),
    transaction: options.transaction ?? false,
  };
}

/** A topic needs a group and a queue has none. @throws INVALID_OPTION */
export function groupOf(destination: Destination, group: string | undefined): string | undefined {
  if (destination.kind === 'topic') {
    if (group === undefined) throw invalidOption(`'${destination.name}' is a topic: name the group, { group: '…' }.`);
    return requireName('group', group);
  }
  if (group !== undefined)
    throw invalidOption(
      `'${destination.name}' is a queue, and queues have no groups. Leave out group, or define a topic.`,
    );
  return undefined;
}

function checkCombinations(options: ConsumerOptions | BatchConsumerOptions): void {
  requireOneOf('acknowledge', options.acknowledge ?? 'after', ['after', 'before']);
  if (options.acknowledge !== 'before') return;
  const idempotent = (options.use ?? []).some(isIdempotent);
  const refused = {
    retry: options.retry,
    deadLetter: options.deadLetter,
    transaction: options.transaction,
    idempotent,
  };
  for (const [name, value] of Object.entries(refused)) {
    if (value !== undefined && value !== false) {
      throw invalidOption(
        `acknowledge: 'before' is at most once, so ${name} cannot work with it. Leave out one of them.`,
      );
    }
  }
}

function checkCapabilities(
  options: ConsumerOptions | BatchConsumerOptions,
  driver: { readonly capabilities: Capabilities; readonly name: string },
): void {
  const context = { capabilities: driver.capabilities, driver: driver.name };
  if (options.startAt === 'earliest')
    requireCapability(context, 'history', "startAt: 'earliest'", 'Provision the group before the first send.');
  if (options.transaction === true)
    requireCapability(context, 'transactions', 'transaction', 'Use idempotent() on the receiving side.');
}
