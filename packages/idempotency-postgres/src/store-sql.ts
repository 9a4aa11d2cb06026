import { indexName, unlessThere } from './table.ts';

/** Every statement of the store. Rows are locked in the order of their keys, so that no two calls wait for each other. */
export interface StoreStatements {
  readonly migrate: string;
  /** $1 keys, $2 token, $3 lease. A row for each key, as it stands now; our token says that it is ours. */
  readonly claim: string;
  /** $1 keys, $2 tokens, $3 lease. The claims that are ours. */
  readonly extend: string;
  /** $1 keys, $2 tokens, $3 retention, $4 results in hex. The claims that are ours. */
  readonly complete: string;
  /** $1 keys, $2 tokens. */
  readonly release: string;
}

const later = "$3::float8 * interval '1 millisecond'";

export function storeStatements(table: string): StoreStatements {
  const asked = 'unnest($1::text[], $2::text[]) AS asked (key, token)';
  const lock = `${table} AS held JOIN asked USING (key) WHERE held.token = asked.token`;
  const inTurn = 'ORDER BY held.key FOR UPDATE OF held';
  return {
    // Room on each page lets a completion stay on it, without touching the index of keys.
    migrate: unlessThere(
      table,
      `CREATE TABLE IF NOT EXISTS ${table} (key text COLLATE "C" PRIMARY KEY, token text NOT NULL,
done boolean NOT NULL DEFAULT false, expires_at timestamptz NOT NULL, result bytea) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS ${indexName(table, 'expires_at')} ON ${table} (expires_at);`,
    ),
    claim: `INSERT INTO ${table} AS held (key, token, expires_at)
SELECT key, $2::text, clock_timestamp() + ${later} FROM unnest($1::text[]) AS asked (key) ORDER BY key COLLATE "C"
ON CONFLICT (key) DO UPDATE SET (token, done, result, expires_at) = (
  SELECT CASE WHEN free THEN excluded.token ELSE held.token END, held.done AND NOT free,
    CASE WHEN free THEN NULL ELSE held.result END, CASE WHEN free THEN excluded.expires_at ELSE held.expires_at END
  FROM (SELECT held.expires_at <= excluded.expires_at - ${later} AS free) AS now)
RETURNING key, token, done, result, (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8 AS left_ms`,
    extend: `WITH asked AS (SELECT * FROM ${asked}), own AS (SELECT held.key FROM ${lock} AND NOT held.done ${inTurn})
UPDATE ${table} AS held SET expires_at = clock_timestamp() + ${later} FROM own WHERE held.key = own.key
RETURNING held.key, held.token`,
    complete: `WITH asked AS (SELECT * FROM unnest($1::text[], $2::text[], $4::text[]) AS asked (key, token, result)),
own AS (SELECT held.key, held.token, held.done, asked.result FROM ${lock} ${inTurn}),
written AS (UPDATE ${table} AS held SET done = true, result = decode(own.result, 'hex'),
  expires_at = clock_timestamp() + ${later} FROM own WHERE held.key = own.key AND NOT own.done)
SELECT key, token FROM own`,
    release: `WITH asked AS (SELECT * FROM ${asked}), own AS (SELECT held.key FROM ${lock} AND NOT held.done ${inTurn})
DELETE FROM ${table} AS held USING own WHERE held.key = own.key`,
  };
}
