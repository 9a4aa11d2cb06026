import { inspect } from 'node:util';
import type { ClientOptions } from '@anymq/core';

/** Prints all that the library says: the run searches it for secrets. */
export const talkative: ClientOptions = {
  logger: {
    debug: (text, fields) => print('debug', text, fields),
    info: (text, fields) => print('info', text, fields),
    warn: (text, fields) => print('warn', text, fields),
    error: (text, fields) => print('error', text, fields),
  },
};

/** All of it, with causes and what is hidden, on one line. */
export function shown(value: unknown): string {
  return inspect(value, { depth: 8, showHidden: true, breakLength: Infinity }).replaceAll('\n', ' | ');
}

function print(level: string, text: string, fields: unknown): void {
  process.stderr.write(`${new Date().toISOString()} ${level} ${text} ${shown(fields)}\n`);
}
