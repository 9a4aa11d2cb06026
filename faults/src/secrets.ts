import { readFileSync } from 'node:fs';
import { credentials } from './drivers.ts';
import { secretMark } from './work.ts';

const { password } = credentials;
/** Payloads and the password, as it is, as it stands in a URL, and as it is sent. */
const secrets: readonly string[] = [
  secretMark,
  password,
  encodeURIComponent(password),
  Buffer.from(password).toString('base64'),
];

/** The lines of the file that hold a payload or a password. */
export function leakedSecrets(file: string): readonly string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => secrets.some((secret) => line.includes(secret)));
}
