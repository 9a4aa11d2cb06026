export type { AwsClient } from './client.ts';
export { createSqsDriver } from './driver.ts';
export { sqs } from './module.ts';
export type { SqsCapabilities, SqsConnectionOptions, SqsCredentials, SqsDriverOptions, SqsTuning } from './options.ts';
