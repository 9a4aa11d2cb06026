import type { Limits } from '../capabilities.ts';
import type { Clock } from '../clock.ts';
import type { LostReason, Receiver, SettleOutcome } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';
import type { ClientEvent } from '../events.ts';
import type { Received, Token } from '../message.ts';
import { Ring } from '../ring.ts';
import { maxWaiting } from './capacity.ts';
import type { ConsumerSettings } from './consumer-settings.ts';
import { Job, released, retryAt, type JobState } from './job.ts';
import type { Lanes } from './lanes.ts';
import { Settler } from './settler.ts';

export interface DeskContext {
  readonly settings: ConsumerSettings;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly receiver: Receiver;
  /** Of an ordered destination. */
  readonly createLanes: ((desk: Desk) => Lanes) | undefined;
  emit(event: ClientEvent): void;
  /** Once per settlement that ended: confirmed, or the delivery was lost. */
  onSettled(job: Job, outcome: SettleOutcome, lost: boolean): void;
  /** Something may be started. */
  onDue(): void;
  /** The pending fetch is cut short: nothing, or something else, is to be fetched. */
  onRefetch(): void;
  /** Something failed that is tried again by itself, or may be done without. */
  onTrouble(what: 'settle' | 'hold' | 'lease', messages: number, error: unknown): void;
}

type MessageEvent = Extract<ClientEvent, { readonly id: string }>;
type Details<Type> = Omit<Extract<MessageEvent, { readonly type: Type }>, 'type' | 'destination' | 'group' | 'id'>;

/** Everything a consumer holds, and the moves that its parts make with it. */
export class Desk {
  readonly context: DeskContext;
  readonly settings: ConsumerSettings;
  readonly settler: Settler;
  readonly lanes: Lanes | undefined;
  /** May be started. Jobs that have left this state meanwhile are passed over when taken. */
  readonly ready: Ring<Job> = new Ring();
  readonly #jobs = new Map<Token, Job>();
  /** Handlers that still run for a delivery that is no longer ours. */
  readonly #zombies = new Set<Job>();
  /** Of what is in our hands. */
  bytes = 0;
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
    const { settings, clock, limits } = context;
    this.context = context;
    this.settings = settings;
    this.time = clock.now();
    this.lanes = context.createLanes?.(this);
    this.settler = new Settler(this, this.lanes === undefined ? limits.maxBatchesInFlight : 1);
  }

  get about(): { readonly destination: string; readonly group: string | undefined } {
    return { destination: this.settings.destination.name, group: this.settings.group };
  }
  /** Deliveries in our hands. */
  get size(): number {
    return this.#jobs.size;
  }

  now(): number {
    return (this.time = this.context.clock.now());
  }

  tell<Type extends MessageEvent['type']>(type: Type, { received }: Job, details: Details<Type>): void {
    // `details` are checked at the call; that they belong to `type` the compiler does not follow through a type parameter.
    this.context.emit({ type, ...this.about, id: received.id, ...details } as unknown as MessageEvent);
  }

  holds(token: Token): boolean {
    return this.#jobs.has(token);
  }

  jobs(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  /** Also those of which the delivery was lost. */
  runs(): readonly Job[] {
    return [...this.#zombies, ...this.jobs().filter(({ state }) => state === 'running')];
  }

  /** Messages that arrived at `time`: each to where it may be started from, or back. */
  admit(batch: readonly Received[], accepting: boolean): void {
    // Made for all of them at once, and rarely: most batches have no redelivery.
    let runs: ReadonlyMap<string, Job> | undefined;
    for (const received of batch) {
      const job = new Job(received, this.time + this.settings.leaseMs);
      this.#jobs.set(job.token, job);
      this.bytes += job.bytes;
      if (received.redelivered === true) {
        runs ??= new Map(this.runs().map((run) => [run.received.id, run]));
        const run = runs.get(received.id);
        if (run !== undefined && !run.overtaken) {
          this.#join(run, job);
          continue;
        }
      }
      if (accepting) this.place(job);
      else this.#refuse(job);
    }
  }

  /** Also of a delayed message that has become due; `time` is now. */
  place(job: Job): void {
    const { dueAt, key } = job.received;
    if (dueAt !== undefined && dueAt > this.time) this.#waitOrHop(job, dueAt);
    else if (this.lanes === undefined || key === undefined) this.toReady(job);
    else this.lanes.place(job, key);
  }

  /** Every move of a job goes through here. */
  to(job: Job, state: JobState): void {
    const from = job.state;
    if (from !== 'ready' && from !== 'running') {
      if (job.timer !== undefined) this.context.clock.clearTimeout(job.timer);
      job.timer = undefined;
      if (from === 'waiting') this.waiting--;
      else if (from === 'held' || from === 'behind') this.lanes?.count(job, -1);
    }
    job.state = state;
    if (state === 'waiting') this.waiting++;
    else if (state === 'held' || state === 'behind') this.lanes?.count(job, 1);
  }

  toReady(job: Job): void {
    this.to(job, 'ready');
    this.ready.push(job);
  }

  settle(job: Job, outcome: SettleOutcome): void {
    this.to(job, 'settling');
    this.settler.add(job, outcome);
  }

  /** Goes on at a time: in its lane, or, when it came early, here. */
  wait(job: Job, state: 'held' | 'waiting', until: number): void {
    this.to(job, state);
    job.resumeAt = until;
    job.timer = this.context.clock.setTimeout(() => this.#resume(job), Math.max(0, until - this.now()));
  }

  /** Out of our hands. */
  drop(job: Job): void {
    this.to(job, 'done');
    if (this.#jobs.delete(job.token) || this.#zombies.delete(job)) this.bytes -= job.bytes;
  }

  /** The delivery is no longer ours, but its handler still runs. */
  bury(job: Job): void {
    if (this.#jobs.delete(job.token)) this.#zombies.add(job);
  }

  /** Not started here: back to its place, for anyone, and what is behind it too. */
  giveBack(job: Job): void {
    this.settle(job, released);
    this.lanes?.leave(job);
  }

  /** True when it is not to be started, or held, any more: its partition is handed over, or the consumer stops. */
  isLeaving(job: Job): boolean {
    return job.revoking || this.stopping;
  }

  /** Deliveries that are no longer ours: handlers are told by their signal, what has not started is dropped. */
  lose(tokens: readonly Token[], reason: LostReason): void {
    for (const token of tokens) {
      const job = this.#jobs.get(token);
      if (job !== undefined && !job.lost) this.#loseOne(job, reason);
    }
  }

  /** Deliveries that the driver is about to hand over: what has not started goes back, what runs ends here. */
  revoke(tokens: readonly Token[]): void {
    for (const token of tokens) {
      const job = this.#jobs.get(token);
      if (job === undefined || job.revoking) continue;
      job.revoking = true;
      if (job.state === 'ready' || job.state === 'waiting') this.giveBack(job);
      else if (job.state === 'held') this.lanes?.handOver(job);
      else if (job.state === 'behind') this.lanes?.drain(job.lane);
    }
  }

  /** What was redelivered while it was still ours would come again when its lease ends. Without an outcome: let it. */
  endEarlier(job: Job, outcome: SettleOutcome | undefined): void {
    for (const one of job.earlier ?? []) {
      if (one.state !== 'joined') continue;
      if (outcome === undefined) this.drop(one);
      else this.settle(one, outcome);
    }
    job.earlier = undefined;
  }

  /** Leaves no timer. */
  stop(): void {
    for (const job of this.jobs()) this.context.clock.clearTimeout(job.timer);
    this.settler.stop();
  }

  #refuse(job: Job): void {
    if (job.received.key !== undefined) this.lanes?.comesBack(job.received.key);
    this.giveBack(job);
  }

  /** The driver could not delay for so long, or so finely: the last part is waited here, anything more is another hop. */
  #waitOrHop(job: Job, dueAt: number): void {
    const { resolutionMs } = this.context.limits.delay;
    const isNear = dueAt - this.time <= Math.max(50, 2 * resolutionMs);
    if (isNear && this.waiting < maxWaiting) this.wait(job, 'waiting', dueAt);
    else this.settle(job, retryAt(job, dueAt));
  }

  /** A message that still runs here was delivered again: what the run returns counts for the new delivery. */
  #join(run: Job, job: Job): void {
    this.tell('joined', job, {});
    // What such a run ends with settles one delivery alone, by another way.
    if (this.settings.acknowledgeBefore || this.settings.transaction) return this.#keepEarlier(run, job);
    const { token, received, leaseUntil } = job;
    job.token = run.token;
    run.token = token;
    this.#jobs.set(token, run);
    run.received = received;
    run.leaseUntil = leaseUntil;
    run.attempt = Math.max(run.attempt, job.attempt);
    run.failure = job.failure ?? run.failure;
    run.overran = false;
    run.startedAt = this.time;
    if (run.lost) {
      run.lost = false;
      this.#zombies.delete(run);
      this.bytes -= job.bytes;
    } else {
      this.#jobs.set(job.token, job);
      this.#keepEarlier(run, job);
    }
  }

  #keepEarlier(run: Job, job: Job): void {
    this.to(job, 'joined');
    (run.earlier ??= []).push(job);
  }

  /**
   * A handler has run for as long as the driver can keep a lease. It is told by its signal while we still have what is left
   * of the lease: the message goes back as it returns, else with the lease's end, so that nothing of its key overtakes it.
   */
  overrun(job: Job): void {
    if (!job.overran) this.#tellLost(job, 'overdue');
    else if (job.leaseUntil <= this.time) this.#loseOne(job, 'expired');
    job.overran = true;
  }

  #loseOne(job: Job, reason: LostReason): void {
    const { state } = job;
    job.lost = true;
    // A settlement may still answer; the settler ends it.
    if (state === 'settling') return;
    this.#tellLost(job, reason);
    if (state === 'running') {
      this.bury(job);
      this.lanes?.drain(job.lane);
    } else {
      this.drop(job);
      // It will come again, so what follows it here must not overtake it.
      this.lanes?.leave(job);
    }
  }

  #tellLost(job: Job, reason: LostReason | 'overdue'): void {
    this.tell('lost', job, { reason });
    const text = `The delivery is no longer ours (${reason}): the broker may give the message to someone else.`;
    job.delivery?.abort(new AnymqError('LEASE_LOST', text));
  }

  #resume(job: Job): void {
    job.timer = undefined;
    // One that is handed over goes back as soon as its attempt has been recorded.
    if (this.isLeaving(job)) return;
    this.now();
    if (job.state === 'waiting') this.place(job);
    else this.lanes?.toHead(job);
    this.context.onDue();
  }
}
