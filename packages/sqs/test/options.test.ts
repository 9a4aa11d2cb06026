import { connect } from '@anymq/core';
import { createSqsDriver, sqs } from '@anymq/sqs';
import { describe, expect, test } from 'vitest';

describe('the URL', () => {
  test('gives region, endpoints and settings', () => {
    expect(sqs.parseUrl('sqs://eu-west-1')).toEqual({ region: 'eu-west-1' });
    expect(
      sqs.parseUrl(
        'sqs://eu-west-1?endpoint=http://127.0.0.1:9324&snsEndpoint=http%3A%2F%2F127.0.0.1%3A4566&maxPollers=3',
      ),
    ).toEqual({
      region: 'eu-west-1',
      endpoint: 'http://127.0.0.1:9324',
      snsEndpoint: 'http://127.0.0.1:4566',
      maxPollers: 3,
    });
  });

  const urls = [
    'sqs://key:secret@eu-west-1',
    'sqs://eu-west-1/secret',
    'sqs://eu-west-1:80',
    'http://secret',
    'sqs://x#secret',
  ];

  test.each(urls)('is refused as %s, and not quoted', (url) => {
    expect(() => sqs.parseUrl(url)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error);
    expect(() => sqs.parseUrl(url)).not.toThrow(/secret/);
  });

  test('has no other options', () => {
    expect(() => sqs.parseUrl('sqs://eu-west-1?misspelt=1')).toThrow(/has no option 'misspelt'/);
  });
});

describe('the options', () => {
  const refused: readonly object[] = [
    { misspelt: 1 },
    { region: '' },
    { endpoint: '127.0.0.1:9324' },
    { snsEndpoint: 'ftp://x' },
    { maxPollers: 0 },
    { maxPollers: 51 },
    { pollSeconds: 21 },
    { firstLeaseSeconds: 0.5 },
    { client: {} },
    { pollClient: { send: () => undefined } },
    { tags: { team: 1 } },
    { kmsKeyId: '' },
  ];

  test.each(refused)('%j is refused before anything is opened', async (options) => {
    await expect(createSqsDriver({ region: 'eu-west-1', ...options })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  test('an endpoint where nothing is, is a typed error that may pass', async () => {
    const driver = await createSqsDriver({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:1' });
    const error: unknown = await driver.check().catch((failure: unknown) => failure);
    expect(driver.classifyError(error)).toMatchObject({ code: 'NOT_CONNECTED', retryable: true, outcome: 'not-sent' });
    await driver.close();
  });
});

test('credentials that cannot be found are UNAUTHENTICATED to connect', async () => {
  const credentials = (): Promise<never> =>
    Promise.reject(Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' }));
  const main = { driver: 'sqs', region: 'eu-west-1', credentials };
  const connecting = connect({ brokers: { main } }, { drivers: [sqs] });
  await expect(connecting).rejects.toMatchObject({ code: 'UNAUTHENTICATED', retryable: false, driver: 'sqs' });
});

test('physical names end in .fifo where the order is by key, and fit 80 characters', async () => {
  const driver = await createSqsDriver({
    region: 'eu-west-1',
    endpoint: 'http://127.0.0.1:1',
    namespace: 'n'.repeat(16),
  });
  const address = {
    kind: 'topic',
    name: 'd'.repeat(32),
    group: 'g'.repeat(20),
    ordering: 'key',
    partitions: 8,
  } as const;
  const names = driver.physicalNames?.(address) ?? {};
  expect(Object.keys(names)).toEqual(['topic', 'queue', 'deadLetters']);
  for (const name of Object.values(names)) expect(name).toMatch(/^[\w-]{1,75}\.fifo$/);
  const legacy = { kind: 'queue', name: 'x', ordering: 'none', partitions: 8, physical: 'legacy.fifo' } as const;
  expect(driver.physicalNames?.(legacy)).toEqual({ queue: 'legacy.fifo', deadLetters: 'legacy_dead.fifo' });
  await driver.close();
});
