import type { ErrorSummary } from '../events.ts';
import type { FailureRecord } from '../message.ts';
import type { Job } from './job.ts';

// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
const maxChars = { name: 128, code: 128, message: 1500, stack: 2000 } as const;

/** Failures that are no thrown errors, told apart by their name. */
export function namedFailure(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  delete error.stack;
  return error;
}

/**
 * What goes with a retry copy or dead letter. At most 3,756 UTF-16 units, so under 12 KiB of UTF-8: every driver keeps
 * that much room beside the largest message that it accepts.
 */
export function failureRecord(
  error: unknown,
  { attempt, failure }: Job,
  now: number,
  about: { readonly destination: string; readonly group: string | undefined },
): FailureRecord {
  return {
    ...describe(error),
    attempts: attempt,
    firstFailedAt: failure?.firstFailedAt ?? now,
    lastFailedAt: now,
    ...about,
  };
}

/** For events and logs: no text of the user's. */
export function summaryOf(error: unknown): ErrorSummary {
  const { name, code } = describe(error);
  return code === undefined ? { name } : { name, code };
}

function describe(error: unknown): Pick<FailureRecord, 'name' | 'code' | 'message' | 'stack'> {
  if (typeof error !== 'object' || error === null) return { name: typeof error, message: cut(error, 'message') };
  try {
    return describeObject(error);
  } catch {
    return { name: 'Error', message: 'an error that cannot be read' };
  }
}

function describeObject(error: object): Pick<FailureRecord, 'name' | 'code' | 'message' | 'stack'> {
  const { name, code, message, stack } = error as Readonly<Record<string, unknown>>;
  return {
    name: cut(name ?? 'Error', 'name'),
    ...(typeof code === 'string' || typeof code === 'number' ? { code: cut(code, 'code') } : {}),
    message: cut(message ?? '', 'message'),
    ...(typeof stack === 'string' ? { stack: cut(stack, 'stack') } : {}),
  };
}

function cut(value: unknown, field: keyof typeof maxChars): string {
  const text = typeof value === 'string' ? value : safeString(value);
  // A control character would take six bytes in JSON.
  return text.slice(0, maxChars[field]).toWellFormed().replaceAll(controls, ' ');
}

function safeString(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'a value that has no text';
  }
}
