import { testDriver } from '@anymq/testing';
import { describe } from 'vitest';
import { createHarness } from './support/harness.ts';

const url = process.env['ANYMQ_TEST_SQS_URL'];

describe.runIf(url !== undefined)('on emulators', () => {
  if (url !== undefined) testDriver(createHarness(url));
});
