import type { Limits } from '../capabilities.ts';
import type { Clock } from '../clock.ts';
import type { HeldMessage, Receiver, SettleOutcome } from '../driver-interface.ts';
import type { ClientEvent } from '../events.ts';
import { Ring } from '../ring.ts';
import type { ConsumerSettings } from './consumer-settings.ts';
import { DueQueue } from './due-queue.ts';
import { Hand } from './hand.ts';
import type { Job } from './job.ts';
import { Lanes, type Lane } from './lanes.ts';
import { Settler } from './settler.ts';

export interface DeskContext {
  readonly settings: ConsumerSettings;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly receiver: Receiver;
  emit(event: ClientEvent): void;
  onSettled(job: Job, outcome: SettleOutcome, lost: boolean): void;
  onDue(job: Job): void;
  /** The pending fetch is cut short: nothing, or something else, is to be fetched. */
  onRefetch(): void;
  /** Something failed that is tried again by itself, or may be done without. */
  onTrouble(what: 'settle' | 'hold' | 'lease', messages: number, error: unknown): void;
}

/** Everything a consumer holds, and the moves that its parts make with it. */
export class Desk {
  readonly context: DeskContext;
  readonly settings: ConsumerSettings;
  readonly hand: Hand = new Hand();
  readonly lanes: Lanes;
  readonly settler: Settler;
  /** May be started. Jobs that have left this state meanwhile are passed over when taken. */
  readonly ready: Ring<Job> = new Ring();
  readonly #due: DueQueue;
  #recording: Promise<void> = Promise.resolve();
  #toRecord: HeldMessage[] = [];
  /** Handlers that run now. */
  running = 0;
  /** Delayed messages that came early and wait here. */
  waiting = 0;
  /** Nothing is started or held any more. */
  stopping = false;
  progressAt: number | undefined = undefined;
  /** The clock, as it was last read: good enough for what a few milliseconds do not change. */
  time: number;

  constructor(context: DeskContext) {
    const { settings, clock, random, receiver } = context;
    this.context = context;
    this.settings = settings;
    this.time = clock.now();
    this.lanes = new Lanes({
      maxHeld: settings.maxHeld,
      onPartitionWaits: (partition, held) => context.emit({ type: 'partition-waits', ...this.about, partition, held }),
      onPartitionResumes: () => context.onRefetch(),
    });
    this.#due = new DueQueue(clock, (job, at) => this.#resume(job, at));
    this.settler = new Settler({
      clock,
      random,
      receiver,
      maxFlights: settings.ordered ? 1 : context.limits.maxBatchesInFlight,
      onAnswered: () => this.now(),
      onSettled: (job, outcome, lost) => context.onSettled(job, outcome, lost),
      onFailed: (messages, error) => context.onTrouble('settle', messages, error),
    });
  }

  get about(): { readonly destination: string; readonly group: string | undefined } {
    return { destination: this.settings.destination.name, group: this.settings.group };
  }

  now(): number {
    return (this.time = this.context.clock.now());
  }

  toReady(job: Job): void {
    job.state = 'ready';
    this.ready.push(job);
  }

  settle(job: Job, outcome: SettleOutcome): void {
    job.state = 'settling';
    this.settler.add(job, outcome);
  }

  /** Not started here: back to its place, for anyone. */
  release(job: Job): void {
    if (job.state === 'waiting') this.waiting--;
    job.lane = undefined;
    this.settle(job, { kind: 'release', delayMs: 0 });
  }

  /** Of a job that has just become the head of its lane. */
  toHead(job: Job): void {
    if (job.resumeAt > this.now()) this.#keepHeld(job);
    else this.toReady(job);
  }

  /** The lane's head keeps its place until `job.resumeAt`; attempt and failure are kept where a restart finds them. */
  hold(job: Job): void {
    this.#keepHeld(job);
    if (this.context.receiver.recordHeld === undefined) return;
    if (this.#toRecord.length === 0) this.#recording = this.#recording.then(() => this.#record());
    this.#toRecord.push({ token: job.token, attempt: job.attempt, heldUntil: job.resumeAt, failure: job.failure });
  }

  /** Resolves when what is held has been recorded as well as it can be. Never rejects. */
  recorded(): Promise<void> {
    return this.#recording;
  }

  /** Resolves when nothing is on its way to the broker any more. */
  async drained(): Promise<void> {
    await this.#recording;
    await this.settler.drained();
  }

  /** A delayed message that came early. */
  wait(job: Job, until: number): void {
    job.state = 'waiting';
    job.resumeAt = until;
    this.waiting++;
    this.#due.add(job, until);
  }

  /** The lane's head has ended: the next of its key goes on. */
  advance(lane: Lane): void {
    const next = this.lanes.advance(lane);
    if (next !== undefined) this.toHead(next);
  }

  /** What waits behind the head goes back to the broker, in order. */
  drain(lane: Lane): void {
    for (const job of this.lanes.drain(lane)) if (job.state === 'lane') this.release(job);
  }

  /** True when it is not to be started, or held, any more: its partition is handed over, or the consumer stops. */
  isLeaving(job: Job): boolean {
    return job.revoking || this.stopping;
  }

  /** One that was not started goes back, and what is behind it too. */
  giveBack(job: Job): void {
    const { lane } = job;
    if (job.state === 'held' && lane !== undefined) this.lanes.hold(lane, -1);
    this.release(job);
    if (lane === undefined || lane.head !== job) return;
    this.drain(lane);
    this.lanes.leave(lane);
  }

  /** Gives a held message back, once its attempt has been recorded. */
  handOver(job: Job): void {
    void this.#recording.then(() => {
      if (job.state === 'held') this.giveBack(job);
    });
  }

  /** Takes an unstarted head out of its lane, and sends back what is behind it. */
  leaveLane(job: Job): void {
    const { lane } = job;
    if (lane === undefined || lane.head !== job) return;
    if (job.state === 'held') this.lanes.hold(lane, -1);
    this.drain(lane);
    this.lanes.leave(lane);
    job.lane = undefined;
  }

  stopTimers(): void {
    this.#due.clear();
  }

  #keepHeld(job: Job): void {
    job.state = 'held';
    if (job.lane !== undefined) this.lanes.hold(job.lane, 1);
    this.#due.add(job, job.resumeAt);
  }

  async #record(): Promise<void> {
    const held = this.#toRecord;
    this.#toRecord = [];
    try {
      await this.context.receiver.recordHeld?.(held);
    } catch (error) {
      this.context.onTrouble('hold', held.length, error);
    }
  }

  #resume(job: Job, at: number): void {
    // One that is handed over goes back as soon as its attempt has been recorded.
    if (job.resumeAt !== at || this.isLeaving(job)) return;
    if (job.state === 'held') {
      if (job.lane !== undefined) this.lanes.hold(job.lane, -1);
      this.toReady(job);
    } else if (job.state === 'waiting') {
      this.waiting--;
      job.state = 'new';
    } else return;
    this.context.onDue(job);
  }
}
