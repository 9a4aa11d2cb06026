import type { Logger } from '@anymq/core/driver';
import { asError } from './errors.ts';

/** For `catch`, where nobody waits for an answer and nothing depends on it: the logger gets to know. */
export type Tell = (what: string) => (error: unknown) => void;

export function createTell(logger: Logger): Tell {
  return (what) => (reason) => {
    const { name, ...rest }: Error & { readonly code?: unknown } = asError(reason);
    const code = typeof rest.code === 'string' || typeof rest.code === 'number' ? rest.code : '';
    logger.debug(`anymq: ${what} failed`, { error: name, code });
  };
}
