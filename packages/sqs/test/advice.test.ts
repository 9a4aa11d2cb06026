import { connect, createClient, defineTopic } from '@anymq/core';
import { createSqsDriver, sqs } from '@anymq/sqs';
import { afterEach, expect, test, vi } from 'vitest';
import { driverOn, opened, wanted } from './support/opened.ts';
import { awsError, scriptedClient } from './support/scripted-client.ts';

// What this driver finds out by itself reaches the user in its own words.

vi.mock('@aws-sdk/client-sns', () => {
  throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
});

afterEach(() => vi.unstubAllEnvs());

test('a topic without the client of SNS says what to install, and nothing was sent', async () => {
  const mq = await createClient(await driverOn(scriptedClient()));
  await expect(mq.producer(defineTopic<string>('news')).send('a')).rejects.toMatchObject({
    code: 'ADAPTER_MISSING',
    retryable: false,
    outcome: 'not-sent',
    driver: 'sqs',
    message: expect.stringContaining('npm install @aws-sdk/client-sns') as string,
  });
  await mq.close();
});

test('a region that nobody names is asked for, by connect and by the driver', async () => {
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/nothing/here');
  const asking = { code: 'INVALID_OPTION', message: expect.stringContaining('No region is known') as string };
  await expect(connect('sqs://', { drivers: [sqs] })).rejects.toMatchObject(asking);
  await expect(createSqsDriver()).rejects.toMatchObject({ ...asking, name: 'AnymqError' });
});

test('credentials that are not found are told from those that were refused', async () => {
  const credentials = (): Promise<never> => Promise.reject(awsError('CredentialsProviderError', 0));
  const main = { driver: 'sqs', region: 'eu-west-1', credentials };
  await expect(connect({ brokers: { main } }, { drivers: [sqs] })).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    message: expect.stringContaining('finds no credentials') as string,
  });
});

test('a queue that is gone under its consumer is not called unreachable', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', () => {
    throw awsError('QueueDoesNotExist', 400);
  });
  const driver = await driverOn(client);
  const { receiver } = await opened(driver);
  await expect(receiver.receive(wanted)).rejects.toMatchObject({
    name: 'AnymqError',
    code: 'NOT_CONNECTED',
    message: expect.stringContaining('The queue is not there') as string,
  });
  await driver.close();
});
