import { PGlite } from '@electric-sql/pglite';

/** One for all tests of a file: starting it takes seconds. */
export const pglite: PGlite = new PGlite();

export function tableOf(namespace: string): string {
  return `once_${namespace.replaceAll('-', '_')}`;
}
