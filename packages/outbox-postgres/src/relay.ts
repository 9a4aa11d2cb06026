import { AnymqError, type Client, type Destination, type Producer, type SendOptions } from '@anymq/core';
import {
  inTransaction,
  type Ending,
  type Queryable,
  type TransactionalDatabase,
  type TransactionalPool,
} from '@anymq/idempotency-postgres/database';
import type { OutboxStatements } from './sql.ts';
import type { Wakeup } from './wakeup.ts';

export interface RelaySettings {
  readonly pool: TransactionalPool | TransactionalDatabase;
  readonly statements: OutboxStatements;
  readonly client: Client;
  readonly destinations: readonly Destination[];
  readonly concurrency: number;
  readonly batchSize: number;
  readonly pollMs: number;
  readonly timeoutMs: number;
  readonly onError: (error: unknown) => void;
  readonly ready: () => Promise<unknown>;
  readonly wakeup: Wakeup;
}

interface Lane {
  readonly lane: number;
}

interface Row {
  readonly seq: string;
  readonly destination: string;
  readonly id: string;
  readonly key: string | null;
  readonly options: string;
  readonly body: Uint8Array;
  readonly age_ms: number;
}

interface Line {
  readonly destination: Destination;
  readonly producer: Producer<unknown>;
}

/** Sends what the outbox holds. Several relays, in one process or in many, share the work. */
export class Relay {
  readonly #settings: RelaySettings;
  readonly #lines: ReadonlyMap<string, Line>;
  #loops: Promise<unknown> | undefined;
  #stopped = false;

  constructor(settings: RelaySettings) {
    const { client, destinations, timeoutMs } = settings;
    this.#settings = settings;
    this.#lines = new Map(
      destinations.map((destination) => [
        destination.name,
        { destination, producer: client.producer(destination, { timeoutMs }) },
      ]),
    );
  }

  /** Resolves when it sends. @throws what the database says, CONFLICT when it runs, CLOSED after `stop` */
  async start(): Promise<void> {
    if (this.#stopped) throw new AnymqError('CLOSED', 'The relay has stopped. Make another one.');
    if (this.#loops !== undefined) throw new AnymqError('CONFLICT', 'The relay runs already.');
    const { concurrency, ready, wakeup } = this.#settings;
    this.#loops = Promise.resolve();
    try {
      await ready();
    } catch (error) {
      // It may be started again, when the database can be reached.
      this.#loops = undefined;
      throw error;
    }
    await wakeup.open();
    this.#loops = Promise.all(Array.from({ length: concurrency }, () => this.#loop()));
  }

  /** What is being sent is finished. Twice is safe. Never rejects. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#settings.wakeup.wake();
    await this.#loops;
    await this.#settings.wakeup.close();
  }

  async #loop(): Promise<void> {
    const { pollMs, onError, wakeup } = this.#settings;
    while (!this.#stopped) {
      const seen = wakeup.count;
      const served = await this.#serve().catch((error: unknown) => {
        onError(error);
        return false;
      });
      if (!served) await wakeup.after(seen, pollMs);
    }
  }

  /** One part of one lane. The lane is ours for so long as it takes; when the process dies it is somebody else's at once, when it is frozen after twice the time of a send. */
  #serve(): Promise<boolean> {
    const { pool, statements, batchSize, timeoutMs } = this.#settings;
    const names = [...this.#lines.keys()];
    const limitMs = String(Math.max(1000, 2 * timeoutMs));
    return inTransaction(pool, async (client): Promise<Ending<boolean>> => {
      const [taken] = (await client.query(statements.takeLane, [names, limitMs])).rows as readonly Lane[];
      if (taken === undefined) return { undo: false };
      const { rows } = await client.query(statements.read, [names, taken.lane, batchSize]);
      await this.#send(client, rows as readonly Row[]);
      await client.query(statements.serveLast, [taken.lane]);
      return { commit: true };
    });
  }

  async #send(client: Queryable, rows: readonly Row[]): Promise<void> {
    const { statements } = this.#settings;
    const byDestination = [...Map.groupBy(rows, ({ destination }) => destination)];
    const attempts = await Promise.all(
      byDestination.map(async ([name, ofName]) =>
        judged(ofName, await sendDecodable(this.#lines.get(name) as Line, ofName)),
      ),
    );
    const sent = attempts.flatMap((attempt) => attempt.sent);
    const failed = attempts.flatMap((attempt) => attempt.failed);
    if (sent.length > 0) await client.query(statements.remove, [sent]);
    const [numbers, codes] = [failed.map(({ seq }) => seq), failed.map(({ code }) => code)];
    if (failed.length > 0) await client.query(statements.postpone, [numbers, codes]);
  }
}

/** What became of each: 'sent', or the code of its error. Of what was held back, nothing. */
type Fates = ReadonlyMap<Row, string>;

/** What its codec cannot read any more has failed, as if the broker had refused it: it holds up its key, and not its lane. */
async function sendDecodable({ destination, producer }: Line, rows: readonly Row[]): Promise<Fates> {
  const fates = new Map<Row, string>();
  const unreadable = new Set<string | null>();
  const bodies = new Map<Row, unknown>();
  for (const row of rows) {
    if (row.key !== null && unreadable.has(row.key)) continue;
    try {
      bodies.set(row, destination.codec.decode(new Uint8Array(row.body)));
    } catch {
      // Told by `inspect`, like all that cannot be sent.
      fates.set(row, 'DECODE_FAILED');
      unreadable.add(row.key);
    }
  }
  const tried = [...bodies.keys()];
  const results = await producer.sendMany([...bodies.values()], (_, index) => optionsOf(tried[index] as Row));
  for (const [n, result] of results.entries()) fates.set(tried[n] as Row, result.ok ? 'sent' : result.error.code);
  return fates;
}

interface Attempt {
  readonly sent: readonly string[];
  readonly failed: readonly { readonly seq: string; readonly code: string }[];
}

/** What comes after a failure of its key has not failed itself: its turn is after that one. */
function judged(rows: readonly Row[], fates: Fates): Attempt {
  const sent: string[] = [];
  const failed: { readonly seq: string; readonly code: string }[] = [];
  const heldUp = new Set<string>();
  for (const row of rows) {
    const { seq, key } = row;
    const fate = fates.get(row);
    if (fate === 'sent') sent.push(seq);
    else if (fate !== undefined && (key === null || !heldUp.has(key))) {
      failed.push({ seq, code: fate });
      if (key !== null) heldUp.add(key);
    }
  }
  return { sent, failed };
}

/** Times are counted from when the message was written. One that is too old to be of use still goes: the broker drops it. */
function optionsOf({ id, key, options, age_ms: ageMs }: Row): SendOptions {
  const given = JSON.parse(options) as SendOptions;
  return {
    ...given,
    id,
    ...(key === null ? {} : { key }),
    ...(given.delayMs === undefined ? {} : { delayMs: Math.max(0, given.delayMs - ageMs) }),
    ...(given.expiresAfterMs === undefined ? {} : { expiresAfterMs: Math.max(1, given.expiresAfterMs - ageMs) }),
  };
}
