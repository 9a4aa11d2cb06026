import { AnymqError, type SendUncertainty } from './errors.ts';

/** The same error, saying what is known of the message. */
export function withOutcome(error: AnymqError, outcome: SendUncertainty | undefined): AnymqError {
  if (outcome === undefined || error.outcome !== undefined) return error;
  const { code, message, name, retryable, driver, cause } = error;
  return new AnymqError(code, message, { name, retryable, outcome, cause, driver });
}
