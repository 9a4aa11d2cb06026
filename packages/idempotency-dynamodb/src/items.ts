import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ClaimResult } from '@anymq/core';

/** How a key stands in the table: `until` ends its lease or its retention, `expires` lets DynamoDB delete it after that. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** How long a claim stays after its lease, for an owner that is late and not yet superseded; and what was done, too. */
const graceSeconds = 3600;

export function timesOf(nowMs: number, ms: number): Readonly<Record<string, AttributeValue>> {
  const until = Math.ceil(nowMs + ms);
  return { ':until': { N: String(until) }, ':expires': { N: String(Math.ceil(until / 1000) + graceSeconds) } };
}

export function standingOf({ done, until, result }: Item, nowMs: number): ClaimResult {
  if (done?.BOOL !== true) return { state: 'busy', retryInMs: Math.max(1, Number(until?.N ?? 0) - nowMs) };
  return result?.B === undefined ? { state: 'done' } : { state: 'done', result: new Uint8Array(result.B) };
}
