import { createHash } from 'node:crypto';
import { indexName, unlessThere } from '@anymq/idempotency-postgres/database';

/** How many parts the messages are spread over; a relay has one at a time for itself, and with it all messages of its keys. */
const laneCount = 16;

export interface OutboxStatements {
  readonly migrate: string;
  /** $1 ids, $2 keys, $3 options as JSON, $4 bodies in base64, $5 destination. Wakes the relays when it is committed. */
  readonly add: string;
  /**
   * $1 destinations, $2 milliseconds as text. A lane with something to send that nobody serves, or no row. It is ours until
   * the transaction ends; when nothing is heard of that for so long, its relay being frozen, the server ends it.
   */
  readonly takeLane: string;
  /** $1 destinations, $2 lane, $3 how many. In order. */
  readonly read: string;
  /** $1 numbers of what was sent. */
  readonly remove: string;
  /** $1 numbers of what was not, $2 error codes. Each waits twice as long as before, from 1 s to 5 min. */
  readonly postpone: string;
  /** $1 lane. */
  readonly serveLast: string;
  readonly count: string;
  readonly stuck: string;
}

export function outboxStatements(table: string): OutboxStatements {
  const lanes = `${table}_lanes`;
  // A message that waits for its next attempt holds up what comes after it under its key, and nothing else.
  const ready = `(next_at IS NULL OR next_at <= clock_timestamp()) AND destination = ANY($1::text[])
AND (key IS NULL OR NOT EXISTS (SELECT 1 FROM ${table} AS earlier WHERE earlier.lane = message.lane
  AND earlier.destination = message.destination AND earlier.key = message.key AND earlier.seq < message.seq
  AND earlier.next_at > clock_timestamp()))`;
  return {
    migrate: unlessThere(
      table,
      `CREATE TABLE IF NOT EXISTS ${lanes} (lane int PRIMARY KEY, served_at timestamptz NOT NULL DEFAULT now());
INSERT INTO ${lanes} SELECT generate_series(0, ${laneCount - 1}) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS ${table} (seq bigserial PRIMARY KEY, lane int NOT NULL, destination text NOT NULL,
id text NOT NULL, key text, options text NOT NULL, body bytea NOT NULL,
created_at timestamptz NOT NULL DEFAULT clock_timestamp(), attempts int NOT NULL DEFAULT 0, next_at timestamptz, code text);
CREATE INDEX IF NOT EXISTS ${indexName(table, 'lane')} ON ${table} (lane, seq);
CREATE INDEX IF NOT EXISTS ${indexName(table, 'waiting')} ON ${table} (lane, destination, key, seq)
WHERE next_at IS NOT NULL;`,
    ),
    add: `WITH added AS (INSERT INTO ${table} (lane, destination, id, key, options, body)
SELECT CASE WHEN key IS NULL THEN floor(random() * ${laneCount})::int
  ELSE (hashtextextended($5 || '/' || key, 0) & ${laneCount - 1})::int END,
  $5, id, key, options, decode(body, 'base64')
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS asked (id, key, options, body, n)
ORDER BY n RETURNING 1)
SELECT pg_notify('${channelOf(table)}', '') FROM (SELECT count(*) FROM added) AS counted`,
    takeLane: `SELECT lane FROM ${lanes} AS free,
(SELECT set_config('idle_in_transaction_session_timeout', $2, true)) AS limited WHERE EXISTS (
  SELECT 1 FROM ${table} AS message WHERE message.lane = free.lane AND ${ready})
ORDER BY served_at FOR UPDATE OF free SKIP LOCKED LIMIT 1`,
    read: `SELECT seq::text, destination, id, key, options, body,
(extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS age_ms
FROM ${table} AS message
WHERE lane = $2 AND ${ready} ORDER BY message.seq LIMIT $3`,
    remove: `DELETE FROM ${table} WHERE seq = ANY($1::bigint[])`,
    postpone: `UPDATE ${table} SET attempts = attempts + 1, code = failed.code,
next_at = clock_timestamp() + least(300, power(2, least(attempts, 10))) * interval '1 second'
FROM unnest($1::bigint[], $2::text[]) AS failed (number, code) WHERE seq = failed.number`,
    serveLast: `UPDATE ${lanes} SET served_at = clock_timestamp() WHERE lane = $1`,
    count: `SELECT count(*)::int AS waiting,
(extract(epoch FROM clock_timestamp() - min(created_at)) * 1000)::float8 AS lag_ms FROM ${table}`,
    stuck: `SELECT id, destination, key, attempts, code,
(extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS age_ms
FROM ${table} WHERE attempts > 0 ORDER BY seq LIMIT 100`,
  };
}

/** As long as a name may be in PostgreSQL, which cuts those that it listens to and refuses to notify of longer ones. */
const longestName = 63;

export function channelOf(table: string): string {
  const name = table.replace('.', '_');
  if (name.length <= longestName) return name;
  const hash = createHash('sha256').update(table).digest('hex').slice(0, 16);
  return `${name.slice(0, longestName - hash.length - 1)}_${hash}`;
}
