import { type Clock, steadyClock } from '../clock.ts';
import type { Message } from '../message.ts';
import { invalidOption, requireKnown, requireNumber, requireOneOf } from '../options.ts';
import { type ConsumeMiddleware, forBothKinds } from './consume-middleware.ts';
import type { IdempotencyStore } from './idempotency-store.ts';
import { markIdempotent } from './idempotent-mark.ts';
import { protectMany } from './protect-many.ts';
import { protectOne } from './protect-one.ts';
import { Protection } from './protection.ts';

export interface IdempotentOptions {
  readonly store: IdempotencyStore;
  /**
   * The message's id by default; always scoped by destination and group. Undefined: this message needs no protection and
   * just runs. An empty string is INVALID_MESSAGE: all such messages would count as one.
   */
  readonly key?: ((message: Message) => string | undefined) | undefined;
  /** How long a completed key is remembered: from 1,000, a hundred years at most; 604,800,000 (7 days) by default. */
  readonly retentionMs?: number | undefined;
  /** How long the store waits for a silent owner: 100 to 43,200,000; 30,000 by default. Renewed while the handler runs. */
  readonly leaseMs?: number | undefined;
  /** 'retry' by default: put back for a second, uncharged, and never run unprotected. 'run': run, or acknowledge, without. */
  readonly onStoreError?: 'retry' | 'run' | undefined;
  /**
   * What to keep for duplicates, asked for after the handler has succeeded, of the same message object that it had. When
   * it throws, or the store refuses it as TOO_LARGE, the key is completed without one, and `onError` hears why. None by
   * default.
   */
  readonly result?: ((message: Message) => Uint8Array | undefined) | undefined;
  /**
   * Called for a duplicate of what is done, before it is acknowledged, with the result that was kept: to answer again,
   * for one. When it throws, the attempt has failed and the retry policy decides. Nothing by default.
   */
  readonly onDuplicate?: ((message: Message, result: Uint8Array | undefined) => Promise<void> | void) | undefined;
  /** Hears of every failure of the store, which is not the message's own. Must not throw. Ignored by default. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** One that the machine's clock cannot set back or forward, by default. */
  readonly clock?: Clock | undefined;
}

/**
 * Runs the handler once per key. Claims the key before and completes it after a success; the message is acknowledged only
 * when that is confirmed. A completed key is acknowledged without a run; a key in work comes again later, uncharged. A
 * handler that threw, or returned an outcome, gives the key back. When the claim is lost meanwhile, `delivery.signal`
 * aborts, and if somebody else has taken it over, the run fails with LEASE_LOST (of a batch: that message is put back).
 * Belongs outermost: what runs outside of it runs for duplicates too. @throws INVALID_OPTION
 */
export function idempotent(options: IdempotentOptions): ConsumeMiddleware {
  const protection = new Protection(checked(options));
  return markIdempotent(
    forBothKinds(
      (next) => protectOne(protection, next),
      (next) => protectMany(protection, next),
    ),
  );
}

/** What is to be kept for ever: a store that cannot write that down, as Redis cannot, would complete nothing, and all would run for ever. */
const centuryMs = 3_155_760_000_000;

function checked(options: IdempotentOptions): ConstructorParameters<typeof Protection>[0] {
  requireKnown('idempotent', options, [
    'store',
    'key',
    'retentionMs',
    'leaseMs',
    'onStoreError',
    'result',
    'onDuplicate',
    'onError',
    'clock',
  ]);
  if (typeof options.store?.claim !== 'function')
    throw invalidOption('idempotent needs a store, like createMemoryStore().');
  const week = 604_800_000;
  return {
    store: options.store,
    key: options.key ?? (({ id }) => id),
    retentionMs: Math.min(centuryMs, requireNumber('retentionMs', options.retentionMs ?? week, { min: 1000 })),
    leaseMs: requireNumber('leaseMs', options.leaseMs ?? 30_000, { min: 100, max: 43_200_000 }),
    onStoreError: requireOneOf('onStoreError', options.onStoreError ?? 'retry', ['retry', 'run']),
    result: options.result,
    onDuplicate: options.onDuplicate,
    onError: options.onError ?? (() => undefined),
    clock: options.clock ?? steadyClock,
  };
}
