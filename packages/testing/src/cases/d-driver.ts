import assert from 'node:assert/strict';
import type { ErrorCode } from '@anymq/core';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { address, proveGone } from '../raw-driver.ts';

const codes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...([
    'INVALID_OPTION',
    'INVALID_MESSAGE',
    'DECODE_FAILED',
    'TOO_LARGE',
    'UNSUPPORTED',
    'ADAPTER_MISSING',
    'NOT_CONNECTED',
  ] as const),
  ...([
    'UNAUTHENTICATED',
    'ACCESS_DENIED',
    'NOT_FOUND',
    'TOPOLOGY_MISMATCH',
    'SERVER_TOO_OLD',
    'TIMEOUT',
    'THROTTLED',
    'CONFLICT',
  ] as const),
  ...(['LEASE_LOST', 'FENCED', 'ABORTED', 'CLOSED', 'UNKNOWN'] as const),
]);

export const driverItself: readonly ConformanceCase[] = casesOf('D', [
  {
    name: 'provision is safe to run twice and by several at once, and says what it made; validate makes nothing',
    async run(context) {
      const [first, second] = [await context.driver(), await context.driver()];
      const plan = { destinations: [{ address, groups: [] }] };
      const validated = await first.provision(plan, 'validate');
      assert.deepEqual(validated.created, []);
      assert.ok(validated.differences.length > 0, 'validate does not miss what is not there');
      const results = await Promise.all([first.provision(plan, 'create'), second.provision(plan, 'create')]);
      assert.ok(results.some(({ created }) => created.length > 0));
      const again = await first.provision(plan, 'create');
      assert.deepEqual(again, { created: [], differences: [] });
      assert.deepEqual(await first.provision(plan, 'validate'), { created: [], differences: [] });
      await proveGone(first);
      await first.remove(address);
    },
  },
  {
    name: 'classifyError is total, check resolves, close twice is safe',
    async run(context) {
      const driver = await context.driver();
      for (const error of [new Error('unheard of'), undefined, null, 'text', 7, {}, Object.create(null)]) {
        const { code, retryable } = driver.classifyError(error);
        assert.ok(codes.has(code), `no such code: ${code}`);
        assert.equal(typeof retryable, 'boolean');
      }
      await driver.check();
      await driver.close();
      await driver.close();
    },
  },
  {
    name: 'limits and capabilities are what the interface says',
    async run(context) {
      const { limits, capabilities, specificationVersion, name } = await context.driver();
      assert.equal(specificationVersion, 1);
      assert.notEqual(name, '');
      assert.ok(
        limits.maxBodyBytes >= 131_072 && limits.maxBatchMessages >= 1 && limits.maxBatchBytes >= limits.maxBodyBytes,
      );
      assert.ok(
        limits.maxBatchesInFlight >= 1 &&
          limits.delay.maxMs > 0 &&
          limits.delay.resolutionMs > 0 &&
          limits.maxRunMs > 0,
      );
      assert.ok(Object.values(capabilities).every((value) => typeof value === 'boolean'));
    },
  },
]);
