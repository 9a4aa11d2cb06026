import { AnymqError, type ErrorCode } from '../errors.ts';
import { withOutcome } from '../with-outcome.ts';

/** A send that ended without a confirmation. `offered`: a driver had the message, so it may have arrived. */
export function ended(code: ErrorCode, text: string, offered: boolean, cause?: AnymqError): AnymqError {
  return new AnymqError(code, text, { outcome: offered ? 'unknown' : 'not-sent', cause });
}

/** `reason` is why it waited, where that is known. */
export function timedOut(offered: boolean, reason: AnymqError | undefined): AnymqError {
  const unknown = 'The broker did not confirm the message in time; it may have it. Send again with the same id.';
  return ended('TIMEOUT', offered ? unknown : 'The broker did not get the message in time.', offered, reason);
}

export function closed(offered: boolean): AnymqError {
  return ended(
    'CLOSED',
    'The client is closed; the broker has not confirmed the message. Connect again to send.',
    offered,
  );
}

export function missingOutcome(): AnymqError {
  return ended('UNKNOWN', 'The driver gave no outcome for a message of the batch.', true);
}

/** What a user's codec, schema, key or type function threw may quote the body: only its name is kept. */
export function invalid(error: unknown): AnymqError {
  if (AnymqError.isInstance(error)) return withOutcome(error, 'not-sent');
  const text = "The destination's codec, schema, key or type function failed on the body.";
  return new AnymqError('INVALID_MESSAGE', text, { cause: error, outcome: 'not-sent' });
}
