import { type DriverModule, requireKnown } from '@anymq/core/driver';
import { createSqsDriver } from './driver.ts';
import { classifyError } from './errors.ts';
import { capabilities, configurationNames, limits, parseUrl } from './options.ts';

/** `sqs:` URLs, and `{ driver: 'sqs', region, … }` in a configuration object. */
export const sqs: DriverModule = {
  specificationVersion: 1,
  name: 'sqs',
  schemes: ['sqs'],
  capabilities,
  limits,
  parseUrl,
  classifyError,
  async create(options, { namespace, logger, clock, random }) {
    requireKnown("The driver 'sqs'", options, configurationNames);
    return createSqsDriver({ ...options, namespace, logger, clock, random });
  },
};
