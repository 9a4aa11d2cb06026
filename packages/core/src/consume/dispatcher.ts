import type { LostReason, SettleOutcome } from '../driver-interface.ts';
import type { Received, Token } from '../message.ts';
import { Capacity } from './capacity.ts';
import { DeliveryView } from './delivery-view.ts';
import { Desk, type DeskContext } from './desk.ts';
import { namedFailure } from './failure.ts';
import { admit, place } from './intake.ts';
import { Isolation } from './isolation.ts';
import { acknowledged, type Job } from './job.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { abandonRuns, lose, releaseUnstarted, revoke } from './losses.ts';
import { endRun, setAside, settled, type RunResult } from './outcomes.ts';

export interface DispatcherContext extends Omit<DeskContext, 'onSettled' | 'onDue'> {
  /** More may be fetched, or a drain has got further. Called often: must be cheap. */
  onProgress(): void;
  /** Starts what may start, by `take` and `begin`. */
  pump(): void;
}

/**
 * Decides which message runs next, and what becomes of it. Knows no broker, makes no connection, and never calls a
 * handler itself: a runner does.
 */
export class Dispatcher {
  readonly desk: Desk;
  readonly #context: DispatcherContext;
  readonly #keeper: LeaseKeeper;
  readonly #capacity: Capacity;
  readonly #isolation: Isolation;
  #accepting = true;
  #pumping = false;
  /** What was said of deliveries that we have not seen yet. */
  readonly #early: (() => void)[] = [];

  constructor(context: DispatcherContext) {
    const { settings, clock, limits, receiver } = context;
    this.#context = context;
    this.desk = new Desk({
      ...context,
      onSettled: (job, outcome, lost) => this.#onSettled(job, outcome, lost),
      onDue: (job) => this.#onDue(job),
    });
    this.#capacity = new Capacity(this.desk);
    this.#isolation = new Isolation(this.desk, () => this.#onMarked());
    this.#keeper = new LeaseKeeper({
      clock,
      leaseMs: settings.leaseMs,
      maxRunMs: limits.maxRunMs,
      jobs: () => this.desk.hand.jobs(),
      count: () => this.desk.hand.size,
      extend: (tokens) => receiver.extendLease(tokens),
      onError: (error) => context.onTrouble('lease', this.desk.hand.size, error),
      onOverdue: (job) => this.lose([job.token], 'overdue'),
    });
  }

  /** How many messages to fetch now; 0: none, until `onProgress`. */
  wanted(): number {
    return this.isOpen ? this.#capacity.wanted() : 0;
  }

  /** Messages that arrived, after `elapsedMs` since the fetch before. */
  admit(batch: readonly Received[], elapsedMs: number): void {
    this.#capacity.adapt(elapsedMs);
    this.desk.now();
    for (const received of batch) admit(this.desk, received, this.isOpen);
    for (const tell of this.#early.splice(0)) tell();
    if (batch.length > 0) {
      this.#keeper.arm();
      this.#capacity.widen();
    }
    this.pump();
  }

  /** Messages may come and start: neither paused nor stopping, and none has to run alone. */
  get isOpen(): boolean {
    return this.#accepting && this.#isolation.job === undefined;
  }
  /** A message waits to be run alone: batches are not filled up meanwhile. */
  get isolating(): boolean {
    return this.#isolation.job !== undefined;
  }
  get stopping(): boolean {
    return this.desk.stopping;
  }

  /** The next message to start, or undefined. The caller has a free slot, and begins it or sets it aside. */
  take(): Job | undefined {
    if (!this.#accepting) return undefined;
    const isolated = this.#isolation.job;
    if (isolated !== undefined) return this.#takeIsolated(isolated);
    for (let job = this.desk.ready.shift(); job !== undefined; job = this.desk.ready.shift()) {
      if (job.state !== 'ready' || this.#goesBack(job) || this.#expire(job) || this.#setAsideKiller(job)) continue;
      if (job.received.suspect !== true && job.received.crashCount === 0) return job;
      this.#isolate(job);
      return this.#takeIsolated(job);
    }
    return undefined;
  }

  begin(job: Job): DeliveryView {
    const { desk } = this;
    const { destination, group } = desk.settings;
    job.state = 'running';
    job.startedAt = desk.time;
    desk.running++;
    const redelivered = job.received.redelivered === true || job.attempt > 1;
    return (job.delivery = new DeliveryView(job.received, job.attempt, redelivered, destination.name, group));
  }

  /** Before the handler runs. Of a job that was begun. */
  acknowledge(job: Job, onAcknowledged: (lost: boolean) => void): void {
    job.onAcknowledged = onAcknowledged;
    this.desk.settler.add(job, acknowledged);
  }

  /** A handler has returned or thrown, or the body cannot be handled; without a result: it returned nothing. */
  end(job: Job, result?: RunResult): void {
    this.desk.running--;
    this.#capacity.count();
    endRun(this.desk, job, result);
    this.#afterRun(job);
  }

  /** A run that was settled in another way: by a transaction, or before it began. */
  endSettled(job: Job): void {
    const { desk } = this;
    if (job.joined !== undefined) desk.settle(job.joined, acknowledged);
    desk.running--;
    this.#capacity.count();
    job.state = 'done';
    desk.hand.remove(job);
    desk.progressAt = desk.now();
    if (job.lane !== undefined) desk.advance(job.lane);
    this.#afterRun(job);
  }

  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      this.#context.pump();
    } finally {
      this.#pumping = false;
    }
    this.#context.onProgress();
  }

  lose(tokens: readonly Token[], reason: LostReason | 'overdue'): void {
    this.#tell(tokens, (told) => lose(this.desk, told, reason));
  }

  revoke(tokens: readonly Token[]): void {
    this.#tell(tokens, (told) => revoke(this.desk, told));
  }

  /** What the receiver has resolved with is on its way to us: it is told again on arrival. */
  #tell(tokens: readonly Token[], tell: (tokens: readonly Token[]) => void): void {
    const coming = tokens.filter((token) => this.desk.hand.get(token) === undefined);
    if (coming.length > 0) this.#early.push(() => tell(coming));
    tell(tokens);
    this.#afterLoss();
  }

  pause(): void {
    if (!this.#accepting) return;
    this.#accepting = false;
    this.#context.onRefetch();
    void releaseUnstarted(this.desk, { all: false });
    this.#afterLoss();
  }

  resume(): void {
    if (this.desk.stopping) return;
    this.#accepting = true;
    this.pump();
  }

  /** Starts nothing any more, and gives back what has not started. Resolves when that is on its way. */
  async halt(): Promise<void> {
    this.desk.stopping = true;
    this.#accepting = false;
    this.#context.onRefetch();
    const isolated = this.#isolation.job;
    if (isolated?.state === 'ready') this.desk.giveBack(isolated);
    await releaseUnstarted(this.desk, { all: true });
    this.#afterLoss();
  }

  /** The stop's deadline: signals abort, and what still runs goes back, uncharged. */
  abandonRuns(): void {
    abandonRuns(this.desk);
  }

  /** Leaves no timer. */
  stop(): void {
    this.#keeper.stop();
    this.#isolation.stop();
    this.desk.stopTimers();
    this.desk.settler.stop();
  }

  /** About to be handed over; or the process was frozen or cut off for too long, and someone else may have it by now. */
  #goesBack(job: Job): boolean {
    if (job.leaseUntil > this.desk.now() && !job.revoking) return false;
    this.desk.giveBack(job);
    return true;
  }

  #expire(job: Job): boolean {
    const { expiresAt, id } = job.received;
    if (expiresAt === undefined || expiresAt > this.desk.time) return false;
    this.#context.emit({ type: 'expired', ...this.desk.about, id });
    this.desk.settle(job, { kind: 'acknowledge' });
    if (job.lane !== undefined) this.desk.advance(job.lane);
    return true;
  }

  #setAsideKiller(job: Job): boolean {
    const { crashCount } = job.received;
    if (crashCount < this.desk.settings.crashLimit) return false;
    setAside(
      this.desk,
      job,
      namedFailure('CrashLimit', `The process ended ${crashCount} times while this message ran alone.`),
    );
    return true;
  }

  #isolate(job: Job): void {
    this.#isolation.begin(job);
    this.#context.onRefetch();
    void releaseUnstarted(this.desk, { all: false });
  }

  #takeIsolated(job: Job): Job | undefined {
    if (job.state === 'ready' && this.desk.running === 0 && this.#goesBack(job)) {
      this.#endIsolation();
      return this.take();
    }
    return this.#isolation.take();
  }

  #onMarked(): void {
    const { job } = this.#isolation;
    if (job?.state === 'ready' && !this.#accepting) this.desk.giveBack(job);
    this.#afterLoss();
    this.pump();
  }

  #endIsolation(): void {
    this.#isolation.end();
    this.#capacity.narrow();
  }

  #onSettled(job: Job, outcome: SettleOutcome, lost: boolean): void {
    if (job.onAcknowledged !== undefined) return this.#onAcknowledged(job, job.onAcknowledged, lost);
    const mayStart = settled(this.desk, job, outcome, lost);
    this.#afterLoss();
    if (mayStart) this.pump();
  }

  #onAcknowledged(job: Job, onAcknowledged: (lost: boolean) => void, isLost: boolean): void {
    job.onAcknowledged = undefined;
    if (isLost) lose(this.desk, [job.token], 'expired');
    // Nothing is left to settle: from here on it is as if it had been lost.
    job.lost = true;
    this.desk.hand.bury(job);
    onAcknowledged(isLost);
  }

  #onDue(job: Job): void {
    this.desk.now();
    if (job.state === 'new') place(this.desk, job);
    this.pump();
  }

  #afterRun(job: Job): void {
    if (job === this.#isolation.job) this.#endIsolation();
    if (!this.#pumping) this.pump();
  }

  #afterLoss(): void {
    const { job } = this.#isolation;
    // A lost one that still runs may still take the process down: alone until it has returned.
    if (job !== undefined && (job.state === 'done' || job.state === 'settling')) {
      this.#endIsolation();
      this.pump();
    }
    this.#context.onProgress();
  }
}
