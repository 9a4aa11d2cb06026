import { answerWithin } from '@anymq/core/driver';
import type { Script } from './scripts.ts';

export type Argument = string | number | Uint8Array;
export type Answer = Buffer | number;

/** What we call of a client of ioredis, of one server or of a cluster. It stays the caller's: it is never closed here. */
export interface RedisClient {
  readonly isCluster?: boolean;
  callBuffer(command: string, ...args: (string | number | Buffer)[]): Promise<unknown>;
}

/**
 * Runs a script, which the server gets to see once. A client without a connection may hold it for as long as it likes.
 * @throws TIMEOUT: whether it ran is not known
 */
export async function runScript(
  client: RedisClient,
  { source, sha }: Script,
  keys: readonly string[],
  args: readonly Argument[],
  timeoutMs: number,
): Promise<readonly Answer[]> {
  const rest = [keys.length, ...keys, ...args] as (string | number | Buffer)[];
  const running = client
    .callBuffer('evalsha', sha, ...rest)
    .catch((error: unknown) =>
      isMissingScript(error) ? client.callBuffer('eval', source, ...rest) : Promise.reject(error as Error),
    );
  return (await answerWithin(timeoutMs, 'Redis', running)) as readonly Answer[];
}

function isMissingScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
