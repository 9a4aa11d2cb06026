import { type DriverModule, requireKnown } from '@anymq/core/driver';
import { createKafkaDriver } from './driver.ts';
import { classifyError } from './errors.ts';
import { capabilities, configurationNames, limitsOf, parseUrl } from './options.ts';

/** `kafka:` URLs, and `{ driver: 'kafka', brokers, … }` in a configuration object. */
export const kafka: DriverModule = {
  specificationVersion: 1,
  name: 'kafka',
  schemes: ['kafka'],
  capabilities,
  limits: limitsOf(),
  parseUrl,
  classifyError,
  async create(options, { namespace, logger, clock }) {
    requireKnown("The driver 'kafka'", options, configurationNames);
    return createKafkaDriver({ ...options, namespace, logger, clock });
  },
};
