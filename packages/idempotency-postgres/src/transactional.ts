import { AnymqError, type ConsumeMiddleware, type Delivery, type Message, type Outcome, retryLater } from '@anymq/core';
import {
  forBothKinds,
  markIdempotent,
  outcomeKind,
  outcomesOf,
  requireKnown,
  requireNumber,
  scopedKey,
} from '@anymq/core/driver';
import {
  type ClientOf,
  type Ending,
  inTransaction,
  type Queryable,
  requirePool,
  type TransactionalDatabase,
  type TransactionalPool,
} from './database.ts';
import { indexName, unlessThere, columnKey, onceDone, requireTable, Sweeper } from './table.ts';

export interface TransactionalOptions<Pool extends TransactionalPool | TransactionalDatabase> {
  /** A pool of `pg` or a PGlite, or anything with their `connect` or `transaction`. Stays yours. */
  readonly pool: Pool;
  /** The message's id by default; always scoped by destination and group. Undefined: a transaction, and no key. */
  readonly key?: ((message: Message) => string | undefined) | undefined;
  /** How long a key is remembered: from 1,000, a hundred years at most; 604,800,000 (7 days) by default. */
  readonly retentionMs?: number | undefined;
  /**
   * How long a handler may leave its transaction without a statement: 1,000 to 86,400,000; 300,000 by default. Then the
   * database undoes it, for its process may be frozen or cut off, and the key would be held for as long.
   */
  readonly idleMs?: number | undefined;
  /** 'anymq_inbox' by default; with a schema in front or without. */
  readonly table?: string | undefined;
  /** True by default: makes the table, before the first message, where it is missing. */
  readonly migrate?: boolean | undefined;
  /**
   * Hears why messages are put back, uncharged, when a transaction cannot begin, and why expired keys could not be removed.
   * What fails later, the commit too, fails the attempt. Must not throw. Ignored by default.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Middleware for both kinds of consumer, which also hands out the client of the transaction. */
export type Inbox<Client> = ConsumeMiddleware & {
  /** Of a delivery whose handler runs: the client of its transaction. @throws CONFLICT outside of it */
  client(delivery: Pick<Delivery, 'message'>): Client;
};

/**
 * Runs the handler in a transaction that records the key of its message too: what the handler writes with
 * `inbox.client(delivery)` is committed together with the key or not at all, and so stands exactly once, also when the
 * process dies at any point. A key that is recorded is acknowledged without a run; one whose handler runs elsewhere comes
 * again later, uncharged. A handler that throws, or returns an outcome, undoes its transaction. A batch is one
 * transaction, all of it or nothing: when one of its members is not to be acknowledged it is undone, and they run again
 * one by one. Nobody ends the transaction but this. Belongs outermost. @throws INVALID_OPTION
 */
export function transactional<Pool extends TransactionalPool | TransactionalDatabase>(
  options: TransactionalOptions<Pool>,
): Inbox<ClientOf<Pool>> {
  const inbox = new InboxTable(checked(options));
  const middleware = forBothKinds(
    (next) => async (body, delivery) => {
      const [outcome] = await inbox.run([delivery], async () => [(await next(body, delivery)) as Outcome | undefined]);
      return outcome;
    },
    (next) => (deliveries, context) =>
      inbox.run(deliveries, async (own) => outcomesOf(await next(own, context), own.length) ?? []),
  );
  const client = ({ message }: Pick<Delivery, 'message'>): ClientOf<Pool> => inbox.client(message) as ClientOf<Pool>;
  return Object.assign(markIdempotent(middleware), { client });
}

interface InboxSettings {
  readonly pool: TransactionalPool | TransactionalDatabase;
  readonly key: (message: Message) => string | undefined;
  readonly retentionMs: number;
  readonly idleMs: number;
  readonly table: string;
  readonly migrate: boolean;
  readonly onError: (error: unknown) => void;
}

/** What is to be kept for ever. */
const centuryMs = 3_155_760_000_000;

function checked(options: TransactionalOptions<TransactionalPool | TransactionalDatabase>): InboxSettings {
  requireKnown('transactional', options, ['pool', 'key', 'retentionMs', 'idleMs', 'table', 'migrate', 'onError']);
  const { key = ({ id }) => id, migrate = true, onError = () => undefined } = options;
  const pool = requirePool(options.pool);
  const retentionMs = Math.min(
    centuryMs,
    requireNumber('retentionMs', options.retentionMs ?? 604_800_000, { min: 1000 }),
  );
  const idleMs = requireNumber('idleMs', options.idleMs ?? 300_000, { min: 1000, max: 86_400_000, integer: true });
  return { pool, key, retentionMs, idleMs, table: requireTable(options.table ?? 'anymq_inbox'), migrate, onError };
}

type Result = Outcome | undefined;
type Standing = 'new' | 'busy' | 'done';

/** How long a message whose twin runs elsewhere waits: there is no lease to tell. */
const busyMs = 500;
const putBack = (): Outcome => retryLater(1000, { charge: false });

class InboxTable {
  readonly #settings: InboxSettings;
  readonly #ready: () => Promise<unknown>;
  readonly #sweeper: Sweeper;
  readonly #record: string;
  readonly #clients = new WeakMap<Message, Queryable>();

  constructor(settings: InboxSettings) {
    const { pool, table, migrate, onError } = settings;
    this.#settings = settings;
    this.#sweeper = new Sweeper(pool, table, onError);
    this.#ready = onceDone(async () => (migrate ? pool.query(migration(table)) : undefined));
    this.#record = recordStatement(table);
  }

  client(message: Message): Queryable {
    const client = this.#clients.get(message);
    if (client !== undefined) return client;
    throw new AnymqError(
      'CONFLICT',
      'There is no transaction of this message: inbox.client(delivery) is for its handler, while that runs, with the inbox in use.',
    );
  }

  async run<D extends Delivery>(
    deliveries: readonly D[],
    run: (own: readonly D[]) => Promise<readonly Result[]>,
  ): Promise<readonly Result[]> {
    const keys = deliveries.map((delivery) => {
      const key = scopedKey(delivery, this.#settings.key(delivery.message));
      return key === undefined ? undefined : columnKey(key);
    });
    let began = false;
    try {
      await this.#ready();
      const outcomes = await inTransaction(this.#settings.pool, async (client) => {
        const standings = await this.#recorded(client, keys);
        began = true;
        return this.#runIn(client, deliveries, standings, run);
      });
      this.#sweeper.sweep();
      return outcomes;
    } catch (error) {
      if (began) throw error;
      this.#settings.onError(error);
      return deliveries.map(putBack);
    }
  }

  async #runIn<D extends Delivery>(
    client: Queryable,
    deliveries: readonly D[],
    standings: readonly Standing[],
    run: (own: readonly D[]) => Promise<readonly Result[]>,
  ): Promise<Ending<readonly Result[]>> {
    const own = deliveries.filter((_, n) => standings[n] === 'new');
    if (own.length === 0) return { undo: standings.map(outcomeOf) };
    for (const { message } of own) this.#clients.set(message, client);
    try {
      const outcomes = await run(own);
      const isFailed = outcomes.some((outcome) => outcomeKind(outcome) !== undefined);
      if (isFailed && deliveries.length > 1) throw new BatchUndone();
      if (isFailed) return { undo: outcomes };
      return { commit: standings.map(outcomeOf) };
    } finally {
      for (const { message } of own) this.#clients.delete(message);
    }
  }

  /** Of a key that comes twice, the second waits for the first. */
  async #recorded(client: Queryable, keys: readonly (string | undefined)[]): Promise<readonly Standing[]> {
    const asked = [...new Set(keys.filter((key) => key !== undefined))];
    const rows = asked.length === 0 ? [] : await this.#recordRows(client, asked);
    const standings = new Map(rows.map(({ key, ours, added }) => [key, !ours ? 'busy' : added ? 'new' : 'done']));
    return keys.map((key) => {
      if (key === undefined) return 'new';
      const standing = (standings.get(key) ?? 'busy') as Standing;
      if (standing === 'new') standings.set(key, 'busy');
      return standing;
    });
  }

  async #recordRows(client: Queryable, keys: readonly string[]): Promise<readonly Row[]> {
    const { retentionMs, idleMs } = this.#settings;
    const { rows } = await client.query(this.#record, [keys, retentionMs, String(idleMs)]);
    return rows as readonly Row[];
  }
}

interface Row {
  readonly key: string;
  readonly ours: boolean;
  readonly added: boolean;
}

class BatchUndone extends Error {
  constructor() {
    super('A member of the batch is not to be acknowledged, so that its transaction was undone: they run one by one.');
    this.name = 'BatchUndone';
  }
}

function outcomeOf(standing: Standing): Result {
  return standing === 'busy' ? retryLater(busyMs, { charge: false }) : undefined;
}

function migration(table: string): string {
  return unlessThere(
    table,
    `CREATE TABLE IF NOT EXISTS ${table} (key text COLLATE "C" PRIMARY KEY, expires_at timestamptz NOT NULL);
CREATE INDEX IF NOT EXISTS ${indexName(table, 'expires_at')} ON ${table} (expires_at);`,
  );
}

/**
 * The lock is what says that a twin runs now, and it ends with its transaction, however that ends; nobody waits for it. A
 * key that is seen with the lock in hand was committed. Of a process that is frozen the server ends the transaction.
 */
function recordStatement(table: string): string {
  return `WITH locked AS MATERIALIZED (
  SELECT key, pg_try_advisory_xact_lock(hashtextextended('${table}' || key, 0)) AS ours
  FROM (SELECT key FROM unnest($1::text[]) AS asked (key) ORDER BY key COLLATE "C") AS asked),
added AS (INSERT INTO ${table} AS held (key, expires_at)
  SELECT key, clock_timestamp() + $2::float8 * interval '1 millisecond' FROM locked WHERE ours
  ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE held.expires_at <= clock_timestamp()
  RETURNING key)
SELECT key, ours, key IN (SELECT key FROM added) AS added FROM locked,
  (SELECT set_config('idle_in_transaction_session_timeout', $3, true)) AS limited`;
}
