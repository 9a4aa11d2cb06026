import type { Driver } from '@anymq/core/driver';
import { createSqsDriver, sqs, type SqsDriverOptions } from '@anymq/sqs';
import type { Harness, RawMessage } from '@anymq/testing';
import { SQS } from '@aws-sdk/client-sqs';
import { cutOff, type CutOff } from './cut-off.ts';

/** Drivers at the URL's endpoints, each behind doors of its own. */
export function createHarness(url: string): Harness {
  const options = sqs.parseUrl(url) as SqsDriverOptions;
  const { endpoint = '', region = '' } = options;
  const doors = new Map<Driver, readonly CutOff[]>();
  return {
    name: 'sqs',
    async createDriver(namespace) {
      const [own, topics] = await Promise.all([cutOff(endpoint), cutOff(options.snsEndpoint ?? endpoint)]);
      const inner = await createSqsDriver({ ...options, endpoint: own.url, snsEndpoint: topics.url, namespace });
      const driver: Driver = {
        ...inner,
        async close() {
          await inner.close();
          doors.delete(driver);
          own.close();
          topics.close();
        },
      };
      doors.set(driver, [own, topics]);
      return driver;
    },
    async crash(driver) {
      for (const door of doors.get(driver) ?? []) door.close();
    },
    async cutConnections() {
      for (const all of doors.values()) for (const door of all) door.cut();
    },
    writeForeign: (address, raw) => writeForeign({ endpoint, region }, String(address.physical), raw),
    async close() {
      doors.clear();
    },
  };
}

async function writeForeign(
  where: { readonly endpoint: string; readonly region: string },
  name: string,
  { body, headers = {} }: RawMessage,
): Promise<void> {
  const admin = new SQS({ ...where, credentials: { accessKeyId: 'anymq', secretAccessKey: 'anymq' } });
  const { QueueUrl } = await admin.getQueueUrl({ QueueName: name });
  // SQS takes no empty value.
  const values = Object.entries(headers).filter(([, value]) => value !== '');
  await admin.sendMessage({
    QueueUrl,
    MessageBody: new TextDecoder().decode(body),
    MessageAttributes: Object.fromEntries(
      values.map(([header, value]) => [header, { DataType: 'String', StringValue: value }]),
    ),
  });
  admin.destroy();
}
