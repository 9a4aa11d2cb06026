import { invalidOption } from '@anymq/core/driver';

/** What we call of a client: of `pg`, of one of its pools, of PGlite, or of anything like them. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<QueryAnswer>;
}

interface QueryAnswer {
  readonly rows: readonly unknown[];
  /** The command tag, where the client tells it: of a commit that could only undo, 'ROLLBACK'. */
  readonly command?: string;
}

/** A client of a pool, until it is released. */
interface PooledClient extends Queryable {
  release(destroy?: boolean): void;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
}

/** What transactions are had from: a pool like `pg`'s, whose clients are had by `connect`. */
export interface TransactionalPool extends Queryable {
  connect(): Promise<PooledClient>;
}

/** Or a database that runs them itself, as PGlite does. */
export interface TransactionalDatabase extends Queryable {
  transaction<T>(run: (client: Queryable) => Promise<T>): Promise<T>;
}

/** @throws INVALID_OPTION: transactions cannot be had from it */
export function requirePool<Pool extends TransactionalPool | TransactionalDatabase>(pool: Pool): Pool {
  if (typeof pool?.query === 'function' && ('connect' in pool || 'transaction' in pool)) return pool;
  throw invalidOption('pool must be a pool of pg or a PGlite.');
}

/** The client that a transaction of this pool runs on. */
export type ClientOf<Pool> = Pool extends { connect: { (): Promise<infer Client>; (callback: never): unknown } }
  ? Client
  : Pool extends { connect(): Promise<infer Client> }
    ? Client
    : Pool extends { transaction<T>(run: (client: infer Client) => Promise<T>): Promise<T> }
      ? Client
      : Queryable;

/** Thrown to end a transaction without effect. */
class Undo extends Error {
  readonly value: unknown;

  constructor(value: unknown) {
    super('The transaction is to be undone.');
    this.value = value;
  }
}

export type Ending<T> = { readonly commit: T } | { readonly undo: T };

/**
 * Runs the work in a transaction of its own, which is committed when the work says so, and undone when it says so or
 * throws. @throws what the work throws, and what the database says, also when it could only undo instead of committing
 */
export function inTransaction<T>(
  pool: TransactionalPool | TransactionalDatabase,
  work: (client: Queryable) => Promise<Ending<T>>,
): Promise<T> {
  return 'connect' in pool ? onPool(pool, work) : inside(pool, work);
}

const ignore = (): void => undefined;

async function onPool<T>(pool: TransactionalPool, work: (client: Queryable) => Promise<Ending<T>>): Promise<T> {
  const client = await pool.connect();
  // A connection that breaks says so with an event as well; the query that finds out is what counts.
  client.on?.('error', ignore);
  let usable = false;
  try {
    const begun = await client.query('BEGIN');
    const ending = await undoing(client, () => work(client));
    if ('commit' in ending) await commit(client, begun.command !== undefined);
    else await client.query('ROLLBACK');
    usable = true;
    return 'commit' in ending ? ending.commit : ending.undo;
  } catch (error) {
    usable = error instanceof Failed;
    throw error instanceof Failed ? error.reason : error;
  } finally {
    client.off?.('error', ignore);
    client.release(!usable);
  }
}

/** The work failed, and its transaction was undone: the connection is as good as before. */
class Failed extends Error {
  readonly reason: unknown;

  constructor(reason: unknown) {
    super('The work of a transaction failed.');
    this.reason = reason;
  }
}

async function undoing<T>(client: Queryable, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Where undoing fails too, the connection is thrown away, which undoes; the work's own error is what counts.
    const undone = await client.query('ROLLBACK').then(
      () => true,
      () => false,
    );
    throw undone ? new Failed(error) : error;
  }
}

/** After a statement that failed, and whose error nobody heeded, a commit undoes, and says so only in its tag. */
async function commit(client: Queryable, tellsCommands: boolean): Promise<void> {
  // Rejects where a statement had failed.
  if (!tellsCommands) await client.query('SELECT 1');
  requireCommitted(await client.query('COMMIT'));
}

function requireCommitted(answer: QueryAnswer): void {
  if (answer.command !== 'ROLLBACK') return;
  throw new Error('The transaction was undone, as one of its statements had failed: do not swallow its error.');
}

async function inside<T>(database: TransactionalDatabase, work: (client: Queryable) => Promise<Ending<T>>): Promise<T> {
  const run = async (client: Queryable): Promise<T> => {
    const ending = await work(client);
    if ('undo' in ending) throw new Undo(ending.undo);
    // Rejects where a statement had failed.
    await client.query('SELECT 1');
    return ending.commit;
  };
  try {
    return await database.transaction(run);
  } catch (error) {
    if (error instanceof Undo) return error.value as T;
    throw error;
  }
}
