import assert from 'node:assert/strict';
import { AnymqError, type ErrorCode, type SendUncertainty } from '@anymq/core';
import type { Job } from './case-context.ts';
import type { Run } from './run-log.ts';

/** The error, which is one of anymq's with this code (and this outcome, where one is given). */
export async function rejectsWith(
  work: Promise<unknown>,
  code: ErrorCode,
  outcome?: SendUncertainty,
): Promise<AnymqError> {
  const error = await work.then(
    () => assert.fail(`resolved instead of rejecting with ${code}`),
    (reason: unknown) => reason,
  );
  return isAnymqError(error, code, outcome);
}

export function throwsWith(work: () => unknown, code: ErrorCode): AnymqError {
  try {
    work();
  } catch (error) {
    return isAnymqError(error, code);
  }
  return assert.fail(`did not throw ${code}`);
}

export function isAnymqError(error: unknown, code: ErrorCode, outcome?: SendUncertainty): AnymqError {
  if (!AnymqError.isInstance(error)) throw error;
  assert.equal(error.code, code, `${error.code} instead of ${code}: ${error.message}`);
  if (outcome !== undefined) assert.equal(error.outcome, outcome);
  return error;
}

/** Most of these runs at one time. Runs whose process died end with it. */
export function mostAtOnce(runs: readonly Run[]): number {
  const edges = runs.flatMap((run) => [
    { at: run.start, step: 1 },
    ...(run.end === Infinity ? [] : [{ at: run.end, step: -1 }]),
  ]);
  let [now, most] = [0, 0];
  for (const { step } of edges.sort((a, b) => a.at - b.at)) {
    now += step;
    most = Math.max(most, now);
  }
  return most;
}

/**
 * Of every key: one at a time, and none starts before its predecessors were handled (or are in `setAside`). What was handled
 * may run again after a crash or a hand-over. `n` of the bodies is the publish order.
 */
export function assertInOrder(runs: readonly Run[], setAside: ReadonlySet<string> = new Set()): void {
  const byKey = Map.groupBy(runs, ({ key }) => key);
  for (const [key, ofKey] of byKey) {
    const survived = ofKey.filter(({ result }) => result !== 'died');
    assert.ok(mostAtOnce(survived) <= 1, `two messages of key ${key} ran at once: ${show(ofKey)}`);
    for (const run of ofKey) assertPredecessors(run, ofKey, setAside);
  }
}

function assertPredecessors(run: Run, ofKey: readonly Run[], setAside: ReadonlySet<string>): void {
  const earlier = ofKey.filter((other) => numberOf(other) < numberOf(run) && !setAside.has(other.id));
  for (const id of new Set(earlier.map((other) => other.id))) {
    const done = earlier.some((other) => other.id === id && other.result === 'returned' && other.end < run.start);
    assert.ok(done, `message ${run.id} of key ${run.key} started before ${id} was handled: ${show(ofKey)}`);
  }
}

function numberOf(run: Run): number {
  return (run.body as Job).n;
}

function show(runs: readonly Run[]): string {
  return runs.map((run) => `${run.member}:${run.id}#${run.attempt}[${run.start}–${run.end}]`).join(' ');
}

export function assertSameBytes(found: Uint8Array, expected: Uint8Array): void {
  assert.equal(found.byteLength, expected.byteLength, `${found.byteLength} bytes instead of ${expected.byteLength}`);
  assert.ok(
    Buffer.from(found.buffer, found.byteOffset, found.byteLength).equals(expected),
    'other bytes than were sent',
  );
}
