export type { KafkaClient } from './client.ts';
export { createKafkaDriver } from './driver.ts';
export { kafka } from './module.ts';
export type {
  KafkaCapabilities,
  KafkaConnectionOptions,
  KafkaDriverOptions,
  KafkaSasl,
  KafkaSocketOptions,
  KafkaTuning,
} from './options.ts';
