import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of a client that the benchmarks depend on themselves, as package.json pins it. */
export function clientVersion(name: string): string {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return dependencies[name] ?? 'unknown';
}
