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

function print(level: string, text: string, fields: unknown): void {
  process.stderr.write(`${new Date().toISOString()} ${level} ${text} ${JSON.stringify(fields)}\n`);
}
