import type { Client, Destination, Producer } from '@anymq/core';
import { invalidOption, requireKnown, requireNumber } from '@anymq/core/driver';
import {
  onceDone,
  type Queryable,
  requirePool,
  requireTable,
  type TransactionalDatabase,
  type TransactionalPool,
} from '@anymq/idempotency-postgres/database';
import { OutboxProducer } from './producer.ts';
import { Relay } from './relay.ts';
import { channelOf, outboxStatements } from './sql.ts';
import { Wakeup } from './wakeup.ts';

export interface OutboxOptions {
  /** A pool of `pg` or a PGlite. Stays yours. */
  readonly pool: TransactionalPool | TransactionalDatabase;
  /** 'anymq_outbox' by default, beside 'anymq_outbox_lanes'; with a schema in front or without. */
  readonly table?: string | undefined;
}

export interface RelayOptions {
  /** What it sends to. Messages of others stay for the relays that know them. */
  readonly destinations: readonly Destination[];
  /** Lanes at once: 1 to 16, 4 by default. Each has a connection of its own while it sends, and waiting for news has one. */
  readonly concurrency?: number | undefined;
  /** Messages of a lane that are sent together: 1 to 1,000, 100 by default. */
  readonly batchSize?: number | undefined;
  /** How often it looks without being woken: 10 to 3,600,000, 1,000 by default. */
  readonly pollMs?: number | undefined;
  /** How long a send may take until it has failed for now: 10,000 by default. A relay that is frozen for twice as long loses its lane. */
  readonly timeoutMs?: number | undefined;
  /** Hears of every failure of the database. Must not throw. Ignored by default. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** A message that was tried and not sent. It is tried again for ever, each time later, up to every 5 minutes. */
export interface StuckMessage {
  readonly id: string;
  readonly destination: string;
  readonly key: string | null;
  readonly attempts: number;
  /** Of the last error. */
  readonly code: string;
  readonly ageMs: number;
}

export interface OutboxInspection {
  /** Committed and not yet sent. */
  readonly waiting: number;
  /** Age of the oldest of them; null when there is none. */
  readonly lagMs: number | null;
  /** The first hundred. */
  readonly stuck: readonly StuckMessage[];
}

export interface Outbox {
  /** Makes the tables where they are missing. Relays do it too when they start. */
  migrate(): Promise<void>;
  /** A producer whose messages are committed, or not, with the transaction of this client, and sent after that. */
  producer<In, Out>(to: Destination<In, Out>, client: Queryable): Producer<In>;
  relay(client: Client, options: RelayOptions): Relay;
  inspect(): Promise<OutboxInspection>;
}

/**
 * Messages that are written in the caller's transaction and sent by a relay: at least once, with the same id every time,
 * and those of a key in the order in which they were written. Of two transactions at the same time neither is first.
 * @throws INVALID_OPTION
 */
export function outbox(options: OutboxOptions): Outbox {
  requireKnown('outbox', options, ['pool', 'table']);
  const pool = requirePool(options.pool);
  const table = requireTable(options.table ?? 'anymq_outbox');
  const statements = outboxStatements(table);
  const ready = onceDone(() => pool.query(statements.migrate));
  return {
    migrate: async () => void (await ready()),
    producer: (to, client) => new OutboxProducer(to, client, statements.add),
    relay(client, relayOptions) {
      const checked = checkedRelay(relayOptions);
      requireTwoConnections(pool);
      const wakeup = new Wakeup(pool, channelOf(table), checked.pollMs, checked.onError);
      return new Relay({ ...checked, pool, statements, client, ready, wakeup });
    },
    inspect: async () => inspection(pool, statements),
  };
}

/** Listening keeps one. @throws INVALID_OPTION, where the pool says how many it may have, as those of pg do */
function requireTwoConnections(pool: Queryable & { readonly options?: { readonly max?: number } }): void {
  if (pool.options?.max !== 1) return;
  throw invalidOption('A relay needs a pool of at least two connections (max): one listens, and one sends.');
}

function checkedRelay(
  options: RelayOptions,
): Required<{ [Name in keyof RelayOptions]: NonNullable<RelayOptions[Name]> }> {
  const known = ['destinations', 'concurrency', 'batchSize', 'pollMs', 'timeoutMs', 'onError'];
  requireKnown('relay', options, known);
  if (!Array.isArray(options.destinations) || options.destinations.length === 0)
    throw invalidOption('destinations must name what the relay sends to.');
  const number = (name: string, value: number | undefined, usual: number, min: number, max: number): number =>
    requireNumber(name, value ?? usual, { min, max, integer: true });
  return {
    destinations: options.destinations,
    concurrency: number('concurrency', options.concurrency, 4, 1, 16),
    batchSize: number('batchSize', options.batchSize, 100, 1, 1000),
    pollMs: number('pollMs', options.pollMs, 1000, 10, 3_600_000),
    timeoutMs: number('timeoutMs', options.timeoutMs, 10_000, 1, 3_600_000),
    onError: options.onError ?? (() => undefined),
  };
}

async function inspection(
  pool: Queryable,
  statements: { readonly count: string; readonly stuck: string },
): Promise<OutboxInspection> {
  const [counted, stuck] = await Promise.all([pool.query(statements.count), pool.query(statements.stuck)]);
  const [row] = counted.rows as readonly { readonly waiting: number; readonly lag_ms: number | null }[];
  return {
    waiting: row?.waiting ?? 0,
    lagMs: row?.lag_ms ?? null,
    stuck: (stuck.rows as readonly (Omit<StuckMessage, 'ageMs'> & { readonly age_ms: number })[]).map(
      ({ age_ms: ageMs, ...rest }) => ({ ...rest, ageMs }),
    ),
  };
}
