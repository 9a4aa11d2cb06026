import { type DriverModule, requireKnown } from '@anymq/core/driver';
import { createRabbitmqDriver } from './driver.ts';
import { classifyError } from './errors.ts';
import { capabilities, limits, moduleOptions, parseUrl, type RabbitmqDriverOptions } from './options.ts';

/**
 * `amqp://user:password@host:5672/vhost` or `amqps://…`, with `heartbeatSeconds`, `connectTimeoutMs`, `delayUnitMs` and
 * `maxDelayMs` in the query. In a configuration object: `{ driver: 'rabbitmq', url }` or its parts, or `connect`.
 */
export const rabbitmq: DriverModule = {
  specificationVersion: 1,
  name: 'rabbitmq',
  schemes: ['amqp', 'amqps'],
  capabilities,
  limits,
  parseUrl,
  classifyError,
  async create(options, { namespace, clock, logger }) {
    requireKnown("The driver 'rabbitmq'", options, moduleOptions);
    return createRabbitmqDriver({ ...(options as RabbitmqDriverOptions), namespace, clock, logger });
  },
};
