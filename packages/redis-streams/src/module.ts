import { type DriverModule, requireKnown } from '@anymq/core/driver';
import { createRedisStreamsDriver } from './driver.ts';
import { classifyError } from './errors.ts';
import { capabilities, configurationNames, limits, parseUrl } from './options.ts';

/** `redis:` and `rediss:` URLs, and `{ driver: 'redis-streams', host, … }` in a configuration object. */
export const redisStreams: DriverModule = {
  specificationVersion: 1,
  name: 'redis-streams',
  schemes: ['redis', 'rediss'],
  capabilities,
  limits,
  parseUrl,
  classifyError,
  async create(options, { namespace, logger, clock, random }) {
    requireKnown("The driver 'redis-streams'", options, configurationNames);
    return createRedisStreamsDriver({ ...options, namespace, logger, clock, random });
  },
};
