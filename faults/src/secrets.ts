import { readFileSync } from 'node:fs';
import { secretMark } from './work.ts';

/** The lines of the file that hold a payload, or the password of the URL. */
export function leakedSecrets(file: string, url: string): readonly string[] {
  const password = /:\/\/[^/@]*:([^/@]+)@/.exec(url)?.[1];
  const secrets = [secretMark, ...(password === undefined || password === 'guest' ? [] : [password])];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => secrets.some((secret) => line.includes(secret)));
}
