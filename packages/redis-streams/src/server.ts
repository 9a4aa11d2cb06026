import type { Logger } from '@anymq/core/driver';
import type { Connection } from './client.ts';
import { RedisStreamsError } from './errors.ts';

const oldestMajor = 7;

/**
 * Once, when connecting. A user who may not ask (INFO) is taken at his word.
 * @throws SERVER_TOO_OLD
 */
export async function checkServer(connection: Connection, logger: Logger): Promise<void> {
  const info = await connection.call('info', 'everything').catch(() => '');
  const values = new Map(
    String(info)
      .split('\r\n')
      .map((line) => line.split(':', 2) as [string, string]),
  );
  const version = values.get('redis_version');
  if (version !== undefined && Number.parseInt(version, 10) < oldestMajor) {
    throw new RedisStreamsError(
      'SERVER_TOO_OLD',
      `The server is version ${version}. Redis ${oldestMajor}.0 or later, or Valkey, is needed.`,
    );
  }
  const policy = values.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    logger.warn('The server may evict streams with all their messages: set maxmemory-policy to noeviction.', {
      policy,
    });
  }
}
