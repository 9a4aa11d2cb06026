import type { SettleOutcome } from '../driver-interface.ts';
import type { FailureRecord, Received, Token } from '../message.ts';
import type { DeliveryView } from './delivery-view.ts';
import type { Lane } from './lanes.ts';

/**
 * Where a message in our hands stands:
 * ready → running → settling → done, with detours: lane (behind another message of its key), held (in its lane until its
 * next attempt), waiting (a delayed message, until it is due), joined (its earlier delivery still runs here).
 */
export type JobState = 'new' | 'ready' | 'lane' | 'held' | 'waiting' | 'joined' | 'running' | 'settling' | 'done';

export const acknowledged: SettleOutcome = { kind: 'acknowledge' };

/** One delivery in the hands of a consumer. */
export class Job {
  readonly received: Received;
  readonly token: Token;
  readonly bytes: number;
  attempt: number;
  failure: FailureRecord | undefined;
  state: JobState = 'new';
  /** No longer ours: what its handler returns is dropped. */
  lost = false;
  /** Lost, and an earlier message of its key has come back since: a later delivery has to wait behind that. */
  overtaken = false;
  /** To be handed over: not started any more, and not held. */
  revoking = false;
  lane: Lane | undefined = undefined;
  /** The run that is under way. */
  delivery: DeliveryView | undefined = undefined;
  startedAt = 0;
  /** A later delivery of the same message, which waits for this run. */
  joined: Job | undefined = undefined;
  /** The run that this later delivery waits for. */
  joinedTo: Job | undefined = undefined;
  /** Of `acknowledge: 'before'`: runs the handler, or frees its slot when the delivery was lost. */
  onAcknowledged: ((lost: boolean) => void) | undefined = undefined;
  /** Times that its settlement failed. */
  settleFailures = 0;
  /** What it is settled with. */
  outcome: SettleOutcome = acknowledged;
  /** When a held or waiting job goes on; milliseconds since 1970. */
  resumeAt = 0;
  /** By our own clock, from the receipt or the last extension: not started after it. Milliseconds since 1970. */
  leaseUntil: number;

  constructor(received: Received, attempt: number, leaseUntil: number) {
    this.received = received;
    this.token = received.token;
    this.bytes = received.body.byteLength + 256;
    this.attempt = attempt;
    this.leaseUntil = leaseUntil;
    this.failure = received.failure;
  }
}
