import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { testDriver } from '@anymq/testing';
import { describe } from 'vitest';
import { createHarness } from './support/harness.ts';

const { ANYMQ_TEST_RABBITMQ_URL: url, ANYMQ_TEST_RABBITMQ_RESTART: command } = process.env;

const restart =
  command === undefined
    ? undefined
    : async (): Promise<void> => void (await promisify(execFile)('sh', ['-c', command]));

describe.runIf(url !== undefined)('with the server of ANYMQ_TEST_RABBITMQ_URL', () => {
  if (url !== undefined) testDriver(createHarness(url, restart), { concurrency: 8 });
});
