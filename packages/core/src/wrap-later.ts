import type { Driver } from './driver-interface.ts';
import { AnymqError, type SendUncertainty } from './errors.ts';

/** A client's error as the user sees it, and when the broker wishes the next try. */
export interface WrappedError {
  readonly error: AnymqError;
  readonly retryAfterMs: number | undefined;
}

/** `wrapError`, which is loaded when something fails for the first time. Never rejects: what cannot be loaded is no reason to stop. */
export async function wrapLater(
  driver: Pick<Driver, 'name' | 'classifyError'>,
  error: unknown,
  outcome?: SendUncertainty,
): Promise<WrappedError> {
  try {
    const { wrapError } = await import('./wrap-error.ts');
    return wrapError(driver, error, outcome);
  } catch {
    const unknown = new AnymqError('UNKNOWN', `${driver.name} failed.`, { driver: driver.name, cause: error, outcome });
    return { error: unknown, retryAfterMs: undefined };
  }
}
