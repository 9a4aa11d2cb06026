// What an adapter builds on. Users do not need it.
export type * from './driver-interface.ts';
export type { Capabilities, Limits } from './capabilities.ts';
export { systemClock, sleep } from './clock.ts';
export type { Clock, Timer } from './clock.ts';
export { AnymqError } from './errors.ts';
export {
  commonNames,
  decodePart,
  readCommon,
  readPlace,
  readQuery,
  requireFlag,
  requireText,
} from './driver-options.ts';
export type { CommonOptions, CommonSettings, QueryKind, UrlPlace } from './driver-options.ts';
export type { ErrorCode, SendUncertainty } from './errors.ts';
export { guardedDriver } from './guarded-driver.ts';
export type { DriverParts } from './guarded-driver.ts';
export type { Count, Inspection } from './inspection.ts';
export { silentLogger } from './logger.ts';
export type { Logger, LogFields } from './logger.ts';
export type { FailureRecord, Headers, Message, OutgoingMessage, Received, Token } from './message.ts';
export { invalidOption, requireKnown, requireNumber, requireOneOf } from './options.ts';
export type { NumberBounds } from './options.ts';
export { physicalName } from './physical-name.ts';
export type { Receipt } from './send-types.ts';
export { lost, settled } from './settle-results.ts';
export { classifySocketError } from './socket-failure.ts';
export { takeFitting } from './take-fitting.ts';
export { createWireFormat } from './wire.ts';
export type { WireFallback, WireFormat, WireMessage, WireMeta, WireNames } from './wire.ts';
export { toLetter } from './wire-letter.ts';
export type { UnknownFailure } from './wire-letter.ts';
export { partitionOf } from './wire-partition.ts';
// What a store of idempotency keys, or middleware like `idempotent`, builds on.
export { answerWithin } from './answer-within.ts';
export { claimDistinct } from './middleware/claim-distinct.ts';
export { forBothKinds } from './middleware/consume-middleware.ts';
export { markIdempotent } from './middleware/idempotent-mark.ts';
export { outcomeKind, outcomesOf } from './outcome.ts';
export { scopedKey } from './middleware/scoped-key.ts';
export { validate } from './schema.ts';
// What producers that write elsewhere, as an outbox does, check and build like all others.
export { buildMessage } from './produce/build-message.ts';
export { checkMessage } from './produce/check-message.ts';
export { loadParts } from './load-parts.ts';
