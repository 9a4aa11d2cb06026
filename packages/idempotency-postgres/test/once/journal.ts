import type { Pool } from 'pg';
import { createPool } from './stores.ts';

export type Event = 'start' | 'end' | 'completed' | 'lost' | 'unanswered' | 'killed';

export interface Entry {
  readonly worker: string;
  readonly key: string;
  readonly event: Event;
}

/** What happened, in the order in which the database heard of it; and the effects, without anything that makes them single. */
export class Journal {
  readonly #pool: Pool;
  readonly #schema: string;

  constructor(url: string, schema: string) {
    this.#pool = createPool(url);
    this.#schema = schema;
  }

  static effectInto(schema: string): string {
    return `INSERT INTO ${schema}.effects VALUES ($1)`;
  }

  async create(): Promise<void> {
    const journal = 'seq bigserial, worker text NOT NULL, key text NOT NULL, event text NOT NULL';
    await this.#pool.query(`CREATE SCHEMA ${this.#schema}`);
    await this.#pool.query(`CREATE TABLE ${this.#schema}.journal (${journal})`);
    await this.#pool.query(`CREATE TABLE ${this.#schema}.effects (key text NOT NULL)`);
  }

  async note(worker: string, event: Event, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const sql = `INSERT INTO ${this.#schema}.journal (worker, event, key) SELECT $1, $2, unnest($3::text[])`;
    await this.#pool.query(sql, [worker, event, keys]);
  }

  async effect(key: string): Promise<void> {
    await this.#pool.query(Journal.effectInto(this.#schema), [key]);
  }

  async entries(): Promise<readonly Entry[]> {
    return (await this.#pool.query<Entry>(`SELECT worker, key, event FROM ${this.#schema}.journal ORDER BY seq`)).rows;
  }

  /** How often each key has had its effect. */
  async effects(): Promise<ReadonlyMap<string, number>> {
    const sql = `SELECT key, count(*)::int AS count FROM ${this.#schema}.effects GROUP BY key`;
    const { rows } = await this.#pool.query<{ key: string; count: number }>(sql);
    return new Map(rows.map(({ key, count }) => [key, count]));
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
