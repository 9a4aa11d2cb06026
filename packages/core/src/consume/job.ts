import type { Timer } from '../clock.ts';
import type { SettleOutcome } from '../driver-interface.ts';
import type { FailureRecord, Received, Token } from '../message.ts';
import type { DeliveryView } from './delivery-view.ts';
import type { Lane } from './lanes.ts';

/**
 * Where a message in our hands stands:
 * new → ready → running → settling → done, with detours: behind (another message of its key), held (in its lane until its
 * next attempt), waiting (a delayed message, until it is due), joined (a later delivery of the same message runs here).
 * Only `Desk.to` changes it, except for a run's beginning and the pause before a suspect's.
 */
export type JobState = 'new' | 'ready' | 'behind' | 'held' | 'waiting' | 'joined' | 'running' | 'settling' | 'done';

export const acknowledged: SettleOutcome = { kind: 'acknowledge' };
export const released: SettleOutcome = { kind: 'release', delayMs: 0 };

/** One message in the hands of a consumer, by its latest delivery. */
export class Job {
  received: Received;
  token: Token;
  readonly bytes: number;
  attempt: number;
  failure: FailureRecord | undefined;
  state: JobState = 'new';
  /** No longer ours: what its handler returns is dropped. */
  lost = false;
  /** Has run for as long as its lease can be kept: it goes back, whatever its handler returns. */
  overran = false;
  /** Lost, and an earlier message of its key has come back since: a later delivery has to wait behind that. */
  overtaken = false;
  /** To be handed over: not started any more, and not held. */
  revoking = false;
  lane: Lane | undefined = undefined;
  /** The run that is under way. */
  delivery: DeliveryView | undefined = undefined;
  startedAt = 0;
  /** Further deliveries of it that are ours: settled as the run ends. */
  earlier: Job[] | undefined = undefined;
  /** Of `acknowledge: 'before'`: runs the handler, or frees its slot when the delivery was lost. */
  onAcknowledged: ((lost: boolean) => void) | undefined = undefined;
  /** Times that its settlement failed. */
  settleFailures = 0;
  /** What it is settled with. */
  outcome: SettleOutcome = acknowledged;
  /** When a held or waiting job goes on; milliseconds since 1970. */
  resumeAt = 0;
  timer: Timer | undefined = undefined;
  /** By our own clock, from the receipt or the last extension: not started after it. Milliseconds since 1970. */
  leaseUntil: number;

  constructor(received: Received, leaseUntil: number) {
    const { token, attempt, failure } = received;
    this.received = received;
    this.token = token;
    this.bytes = bytesOf(received);
    // Any producer can forge it.
    this.attempt = Number.isInteger(attempt) && attempt >= 1 ? Math.min(attempt, 1_000_000) : 1;
    this.leaseUntil = leaseUntil;
    this.failure = failure;
  }
}

/** What it takes of our memory, roughly. */
function bytesOf({ body, headers }: Received): number {
  let bytes = body.byteLength + 256;
  for (const name in headers) bytes += name.length + (headers[name] as string).length;
  return bytes;
}

/** A copy for later, with what is known of its attempts. */
export function retryAt({ attempt, failure }: Job, dueAt: number): SettleOutcome {
  return { kind: 'retry', dueAt, attempt, failure };
}
