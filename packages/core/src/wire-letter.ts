import type { StoredLetter } from './driver-interface.ts';
import type { FailureRecord, Token } from './message.ts';
import type { WireMessage } from './wire.ts';

/** Of a letter that another program put there, without a failure record. */
export interface UnknownFailure {
  /** 'Error' by default. */
  readonly name?: string;
  readonly atMs: number;
  readonly destination: string;
}

/** A dead letter as it is shown: the message, without what belongs to one delivery of it, and why it is there. */
export function toLetter(message: WireMessage, ref: Token, otherwise: UnknownFailure): StoredLetter {
  const { id, key, headers, time, type, source, contentType, extensions, body } = message;
  const failure = message.failure ?? unknownFailure(otherwise);
  return { id, key, headers, time, type, source, contentType, extensions, body, ref, failure };
}

function unknownFailure({ name = 'Error', atMs, destination }: UnknownFailure): FailureRecord {
  return { name, message: '', attempts: 0, firstFailedAt: atMs, lastFailedAt: atMs, destination };
}
