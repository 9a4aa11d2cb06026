import { AnymqError } from '@anymq/core';
import type { Script } from './scripts.ts';

export type Argument = string | number | Uint8Array;

/** What we call of a client of ioredis, of one server or of a cluster. It stays the caller's: it is never closed here. */
export interface RedisClient {
  readonly isCluster?: boolean;
  callBuffer(command: string, ...args: (string | number | Buffer)[]): Promise<unknown>;
}

/** Runs a script, which the server gets to see once. @throws TIMEOUT: whether it ran is not known */
export async function runScript(
  client: RedisClient,
  { source, sha }: Script,
  keys: readonly string[],
  args: readonly Argument[],
  timeoutMs: number,
): Promise<readonly Buffer[]> {
  const rest = [keys.length, ...keys, ...args] as (string | number | Buffer)[];
  const running = client
    .callBuffer('evalsha', sha, ...rest)
    .catch((error: unknown) =>
      isMissingScript(error) ? client.callBuffer('eval', source, ...rest) : Promise.reject(error as Error),
    );
  return (await within(running, timeoutMs)) as readonly Buffer[];
}

function isMissingScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** A client without a connection may hold a command for as long as it likes. */
async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new AnymqError('TIMEOUT', 'Redis did not answer in time.')), timeoutMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
