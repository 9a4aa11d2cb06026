import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { testDriver } from '@anymq/testing';
import { describe } from 'vitest';
import { createHarness } from './support/harness.ts';

const { ANYMQ_TEST_REDIS_URL: url, ANYMQ_TEST_REDIS_RESTART: command } = process.env;

/** The command restarts the server, and ends when it answers again. */
const restart =
  command === undefined
    ? undefined
    : async (): Promise<void> => void (await promisify(execFile)('sh', ['-c', command]));

const harness = url === undefined ? undefined : await createHarness({ url, restart });

describe.runIf(harness !== undefined)('with the server of ANYMQ_TEST_REDIS_URL', () => {
  if (harness !== undefined) testDriver(harness);
});
