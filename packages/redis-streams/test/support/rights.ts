import { readFileSync } from 'node:fs';

/** The rights that the adapter's page names, save for those on keys. */
export function leastRights(): readonly string[] {
  const page = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  return (/^ACL SETUSER \S+ on >\S+ (.*)$/m.exec(page)?.[1] ?? '').split(' ').filter((right) => !right.startsWith('~'));
}
