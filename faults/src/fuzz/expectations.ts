import { AnymqError } from '@anymq/core';
import type { ErrorCode } from '@anymq/core';
import type { WireMessage } from '@anymq/core/driver';

/** Runs it, and lets pass what it may throw. */
export function mayThrow(codes: readonly ErrorCode[], run: () => unknown, secret?: string): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof AnymqError) || !codes.includes(error.code)) throw error;
    if (secret !== undefined && `${error.message}${JSON.stringify(error.cause ?? '')}`.includes(secret))
      throw new Error('shows a secret', { cause: error });
  }
}

/** What core relies on in everything that it is handed, whoever wrote it. */
export function requireSound(message: WireMessage): void {
  const { id, key, headers, time, type, source, attempt, dueAt, failure, body } = message;
  requireAll({
    id: typeof id === 'string',
    key: key === undefined || typeof key === 'string',
    headers:
      Object.entries(headers)
        .flat()
        .every((text) => typeof text === 'string') && !('polluted' in headers),
    time: time instanceof Date && !Number.isNaN(time.getTime()),
    type: typeof type === 'string',
    source: typeof source === 'string',
    attempt: Number.isSafeInteger(attempt) && attempt >= 1 && attempt <= 1_000_000,
    dueAt: dueAt === undefined || (Number.isFinite(dueAt) && dueAt >= 0),
    body: body instanceof Uint8Array,
    attempts: failure === undefined || Number.isSafeInteger(failure.attempts),
    failedAt: failure === undefined || [failure.firstFailedAt, failure.lastFailedAt].every(isTime),
    failureTexts: failure === undefined || failure.message.length <= 12_288,
  });
}

function isTime(atMs: number): boolean {
  return !Number.isNaN(new Date(atMs).getTime());
}

function requireAll(holds: Readonly<Record<string, boolean>>): void {
  const broken = Object.keys(holds).filter((name) => holds[name] !== true);
  if (broken.length > 0) throw new Error(`unsound: ${broken.join(', ')}`);
}
