export type { AmqpConnection, ConnectRabbitmq } from './client.ts';
export { createRabbitmqDriver } from './driver.ts';
export type { RabbitmqDriver } from './driver.ts';
export { rabbitmq } from './module.ts';
export type { RabbitmqCapabilities, RabbitmqDriverOptions } from './options.ts';
