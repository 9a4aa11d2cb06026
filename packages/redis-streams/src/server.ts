import { AnymqError, type Logger } from '@anymq/core/driver';
import type { Connection } from './client.ts';
import type { DriverContext } from './driver-context.ts';

/**
 * Once, when connecting. A user who may not ask (INFO) is taken at his word.
 * @throws SERVER_TOO_OLD, UNSUPPORTED
 */
export async function checkServer(connection: Connection, logger: Logger, wait: DriverContext['wait']): Promise<void> {
  const info = await connection.call('info', 'everything').catch(() => '');
  const values = new Map(
    String(info)
      .split('\r\n')
      .map((line) => line.split(':', 2) as [string, string]),
  );
  const version = values.get('redis_version');
  requireVersion(version, '7.0', 'anymq');
  if (wait.aof > 0) {
    requireVersion(version, '7.2', 'waitAof');
    if (values.get('aof_enabled') === '0')
      throw new AnymqError('UNSUPPORTED', 'waitAof needs a server with an append-only file: appendonly yes.');
  }
  const policy = values.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    logger.warn('The server may evict streams with all their messages: set maxmemory-policy to noeviction.', {
      policy,
    });
  }
}

/** Valkey says here which Redis it stands in for: 7.2. */
function requireVersion(version: string | undefined, least: string, who: string): void {
  if (version === undefined || ordinal(version) >= ordinal(least)) return;
  throw new AnymqError(
    'SERVER_TOO_OLD',
    `The server is version ${version}: ${who} needs Redis ${least} or later, or Valkey.`,
  );
}

function ordinal(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major * 1000 + minor;
}
