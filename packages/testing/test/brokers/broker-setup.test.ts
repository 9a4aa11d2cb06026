import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { brokerSetup } from '../../src/brokers/broker-setup.ts';
import { sharedBroker } from '../../src/brokers/shared-brokers.ts';

beforeEach(() => {
  vi.stubEnv('ANYMQ_RUN_BROKERS', undefined);
  vi.stubEnv('ANYMQ_DOCKER_HOOK', undefined);
  vi.stubEnv('ANYMQ_TEST_REDIS_URL', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test('a URL in the environment is taken, and nothing is started', async () => {
  vi.stubEnv('ANYMQ_TEST_REDIS_URL', 'redis://elsewhere');
  withoutDocker();
  expect(await brokerSetup('redis')()).toBeUndefined();
  expect(sharedBroker('redis')).toEqual({ name: 'redis', url: 'redis://elsewhere', container: undefined });
});

test('what another project of the same run has started is taken', async () => {
  vi.stubEnv('ANYMQ_RUN_BROKERS', JSON.stringify({ redis: [{ id: 'abc', port: 20_000 }] }));
  withoutDocker();
  expect(await brokerSetup('redis')()).toBeUndefined();
  expect(sharedBroker('redis')?.url).toBe('redis://127.0.0.1:20000');
});

test('a test whose suite has no set-up is told which one', () => {
  expect(() => sharedBroker('rabbitmq')).toThrow("brokerSetup('rabbitmq')");
});

describe('without Docker', () => {
  test('CI fails', async () => {
    vi.stubEnv('CI', 'true');
    withoutDocker();
    await expect(brokerSetup('redis')()).rejects.toThrow(/Docker does not answer/);
  });

  test('a person is told at the beginning and at the end what was left out and how to get it', async () => {
    vi.stubEnv('CI', undefined);
    withoutDocker();
    const told = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const teardown = await brokerSetup('redis')();
    expect(sharedBroker('redis')).toBeUndefined();
    const atFirst = told.mock.calls.flat().join('');
    expect(atFirst).toMatch(/REDIS ARE LEFT OUT[^]*Docker does not answer[^]*ANYMQ_TEST_REDIS_URL/);
    await teardown?.();
    expect(told.mock.calls.flat().join('').length).toBeGreaterThan(1.5 * atFirst.length);
  });
});

function withoutDocker(): void {
  vi.stubEnv('PATH', '/no-such-folder');
}
