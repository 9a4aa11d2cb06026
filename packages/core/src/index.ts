export { systemClock } from './clock.ts';
export type { Clock, Timer } from './clock.ts';
export { bytes, json, text } from './codec.ts';
export type { Codec } from './codec.ts';
export type { Capabilities, Limits } from './capabilities.ts';
export type { BrokerOptions, Client, ClientOptions, Config, ConsumerHealth, Health } from './client-types.ts';
export { defineConsumer } from './consume-types.ts';
export type {
  BatchConsumeHandler,
  BatchConsumerOptions,
  BatchDelivery,
  BatchHandler,
  ConsumeHandler,
  Consumer,
  ConsumerDefinition,
  ConsumerOptions,
  ConsumerState,
  Delivery,
  Handler,
} from './consume-types.ts';
export type {
  DeadLetter,
  DeadLetterQueue,
  PurgeOptions,
  RedriveOptions,
  RedriveResult,
  WatchOptions,
} from './dead-letter-types.ts';
export { defineQueue, defineTopic } from './destination.ts';
export type { DefinitionOptions, Destination, GroupOptions, Queue, Topic, TopicOptions } from './destination.ts';
export type { Driver, DriverModule, HeaderFilter, ProvisionMode, ProvisionResult } from './driver-interface.ts';
export { AnymqError } from './errors.ts';
export type { ErrorCode, SendUncertainty } from './errors.ts';
export type { ClientEvent, ErrorSummary } from './events.ts';
export type { Count, Inspection } from './inspection.ts';
export type { Logger, LogFields } from './logger.ts';
export type { Headers, Message, OutgoingMessage } from './message.ts';
export { reject, release, retryLater } from './outcome.ts';
export type { Outcome } from './outcome.ts';
export { exponential } from './retry-policy.ts';
export type { Backoff, ExponentialOptions, RetryContext, RetryOptions, RetryPolicy } from './retry-policy.ts';
export type { StandardIssue, StandardResult, StandardSchemaV1 } from './schema.ts';
export type {
  Middleware,
  Producer,
  ProducerOptions,
  Receipt,
  SendHandler,
  SendOptions,
  SendResult,
} from './send-types.ts';
export { connect } from './connect.ts';
export { createClient } from './create-client.ts';
export { explain } from './explain.ts';
export type { Explanation, ExplainOptions } from './explain.ts';
export { idempotent } from './middleware/idempotent.ts';
export type { IdempotentOptions } from './middleware/idempotent.ts';
export type { Claim, ClaimResult, IdempotencyStore } from './middleware/idempotency-store.ts';
export { createMemoryStore } from './middleware/memory-store.ts';
export type { MemoryStoreOptions } from './middleware/memory-store.ts';
export type { ConsumeMiddleware } from './middleware/consume-middleware.ts';
export { retry } from './middleware/retry.ts';
export type { RetryMiddlewareOptions } from './middleware/retry.ts';
export { timeout } from './middleware/timeout.ts';
export type { TimeoutOptions } from './middleware/timeout.ts';
