import type { LostReason, SettleOutcome } from '../driver-interface.ts';
import type { Received, Token } from '../message.ts';
import { Capacity } from './capacity.ts';
import { DeliveryView } from './delivery-view.ts';
import { Desk, type DeskContext } from './desk.ts';
import { releaseUnstarted } from './give-up.ts';
import type { Isolation } from './isolation.ts';
import { acknowledged, type Job } from './job.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import type * as Outcomes from './outcomes.ts';
import { acknowledge, endRun, type RunResult, settled, succeeded } from './run-end.ts';

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
  #isolation: Isolation | undefined;
  #outcomes: typeof Outcomes | undefined;
  #accepting = true;
  #pumping = false;
  /** What was said of deliveries that we have not seen yet. */
  #early: (() => void)[] = [];

  constructor(context: DispatcherContext) {
    this.#context = context;
    this.desk = new Desk({
      ...context,
      onSettled: (job, outcome, lost) => this.#onSettled(job, outcome, lost),
      onDue: () => this.pump(),
    });
    this.#capacity = new Capacity(this.desk);
    this.#keeper = new LeaseKeeper(this.desk);
  }

  /** How many messages to fetch now, while these are about to be admitted; 0: none, until `onProgress`. */
  wanted(coming: readonly Received[] = []): number {
    // Nothing is fetched beside a suspect.
    return this.isOpen && !coming.some(isSuspect) ? this.#capacity.wanted(coming.length) : 0;
  }

  /** Messages that arrived, after `elapsedMs` since the fetch before. Waits only for the code that the first suspect needs. */
  async admit(batch: readonly Received[], elapsedMs: number): Promise<void> {
    if (this.#isolation === undefined && batch.some(isSuspect)) {
      const { Isolation: Loaded } = await import('./isolation.ts');
      this.#isolation = new Loaded(this.desk, () => this.#onMarked());
    }
    this.#capacity.adapt(elapsedMs);
    this.desk.now();
    this.desk.admit(batch, this.isOpen);
    const early = this.#early;
    this.#early = [];
    for (const tell of early) tell();
    if (batch.length > 0) {
      this.#keeper.arm();
      this.#capacity.widen();
    }
    this.pump();
  }

  /** Messages may come and start: neither paused nor stopping, and none has to run apart. */
  get isOpen(): boolean {
    return this.#accepting && !this.isolating;
  }
  /** Messages wait to be run apart: batches are not filled up meanwhile. */
  get isolating(): boolean {
    return this.#isolation?.isOn === true;
  }

  /** The next message to start, or undefined. The caller has a free slot, and begins it. */
  take(): Job | undefined {
    if (!this.#accepting) return undefined;
    if (this.isolating) return this.#takeIsolated();
    for (let job = this.#next(); job !== undefined; job = this.#next()) {
      if (!isSuspect(job.received)) return job;
      if (this.#isolation?.begin(job, () => this.#next()) === true) return this.#takeIsolated();
    }
    return undefined;
  }

  #next(): Job | undefined {
    for (let job = this.desk.ready.shift(); job !== undefined; job = this.desk.ready.shift())
      if (job.state === 'ready' && !this.#goesBack(job) && !this.#expire(job)) return job;
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
    const outcomes = this.#outcomes;
    if (succeeded(result)) this.#end(job);
    else if (outcomes === undefined) void this.#endLater(job, result);
    else this.#end(job, (wasAborted) => outcomes.conclude(this.desk, job, result, wasAborted));
  }

  /** The first message that was not simply handled: until it is known what becomes of it, it counts as running. */
  async #endLater(job: Job, result: RunResult): Promise<void> {
    try {
      this.#outcomes ??= await import('./outcomes.ts');
    } catch (error) {
      // Neither charged nor lost: it comes again.
      this.#context.onTrouble('settle', 1, error);
      return this.#end(job, () => this.desk.giveBack(job));
    }
    this.end(job, result);
  }

  #end(job: Job, conclude?: (wasAborted: boolean) => void): void {
    this.desk.running--;
    endRun(this.desk, job, conclude);
    this.#afterRun(job);
  }

  /** A run that was settled in another way: by a transaction, or before it began. */
  endSettled(job: Job): void {
    const { desk } = this;
    desk.running--;
    desk.endEarlier(job, acknowledged);
    desk.drop(job);
    desk.progressAt = desk.now();
    desk.lanes?.next(job);
    this.#afterRun(job);
  }

  pump(): void {
    if (this.#pumping) return;
    // What becomes due while nothing is started is for others, where they can have it.
    if (!this.#accepting && this.desk.lanes === undefined) void releaseUnstarted(this.desk, false);
    this.#pumping = true;
    try {
      this.#context.pump();
    } finally {
      this.#pumping = false;
    }
    this.#context.onProgress();
  }

  lose(tokens: readonly Token[], reason: LostReason): void {
    this.#tell(tokens, (told) => this.desk.lose(told, reason));
  }

  revoke(tokens: readonly Token[]): void {
    this.#tell(tokens, (told) => this.desk.revoke(told));
  }

  pause(): void {
    if (this.#accepting) void this.#cease(false);
  }

  resume(): void {
    if (this.desk.stopping) return;
    this.#accepting = true;
    this.pump();
  }

  /** Starts nothing any more, and gives back what has not started. Resolves when that is on its way. */
  halt(): Promise<void> {
    this.desk.stopping = true;
    this.#context.receiver.retreat?.();
    return this.#cease(true);
  }

  /** Leaves no timer. */
  stop(): void {
    this.#keeper.stop();
    this.#isolation?.stop();
    this.desk.stop();
  }

  async #cease(all: boolean): Promise<void> {
    this.#accepting = false;
    this.#context.onRefetch();
    this.#isolation?.giveBack();
    await releaseUnstarted(this.desk, all);
    this.#afterLoss();
  }

  /** What the receiver has resolved with is on its way to us: it is told again on arrival. */
  #tell(tokens: readonly Token[], tell: (tokens: readonly Token[]) => void): void {
    const coming = tokens.filter((token) => !this.desk.holds(token));
    if (coming.length > 0) this.#early.push(() => tell(coming));
    tell(tokens);
    this.#afterLoss();
  }

  /** About to be handed over; or the process was frozen or cut off for too long, and someone else may have it by now. */
  #goesBack(job: Job): boolean {
    if (job.leaseUntil > this.desk.now() && !job.revoking) return false;
    this.desk.giveBack(job);
    return true;
  }

  #expire(job: Job): boolean {
    const { expiresAt } = job.received;
    if (expiresAt === undefined || expiresAt > this.desk.time) return false;
    this.desk.tell('expired', job, {});
    acknowledge(this.desk, job);
    return true;
  }

  #takeIsolated(): Job | undefined {
    const job = this.#isolation?.take();
    if (job === undefined || !this.#goesBack(job)) return job;
    this.#leave(job);
    return this.take();
  }

  #onMarked(): void {
    if (!this.#accepting) this.#isolation?.giveBack();
    this.#afterLoss();
    this.pump();
  }

  #leave(job: Job): void {
    if (this.#isolation?.leave(job) === true) this.#capacity.narrow(this.#isolation.atOnce);
  }

  #onSettled(job: Job, outcome: SettleOutcome, lost: boolean): void {
    if (job.onAcknowledged !== undefined) return this.#onAcknowledged(job, job.onAcknowledged, lost);
    const mayStart = settled(this.desk, job, outcome, lost);
    this.#afterLoss();
    if (mayStart) this.pump();
  }

  #onAcknowledged(job: Job, onAcknowledged: (lost: boolean) => void, isLost: boolean): void {
    job.onAcknowledged = undefined;
    if (isLost) this.desk.lose([job.token], 'expired');
    // Nothing is left to settle: from here on it is as if it had been lost.
    job.lost = true;
    this.desk.bury(job);
    onAcknowledged(isLost);
  }

  #afterRun(job: Job): void {
    this.#capacity.count();
    this.#leave(job);
    if (!this.#pumping) this.pump();
  }

  #afterLoss(): void {
    if (this.#isolation?.leaveLost() === true) {
      this.#capacity.narrow(this.#isolation.atOnce);
      this.pump();
    }
    this.#context.onProgress();
  }
}

function isSuspect({ suspect, crashCount }: Received): boolean {
  return suspect === true || crashCount > 0;
}
