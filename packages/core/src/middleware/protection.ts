import { sleep } from '../clock.ts';
import type { Delivery } from '../consume-types.ts';
import { AnymqError } from '../errors.ts';
import type { Message } from '../message.ts';
import { type Outcome, outcomeKind, retryLater } from '../outcome.ts';
import { ClaimRenewer, leaseLost, type RenewerOptions } from './claim-renewer.ts';
import { ClaimSteps } from './claim-steps.ts';
import { Guarded } from './guarded.ts';
import type { ClaimResult } from './idempotency-store.ts';
import { scopedKey } from './scoped-key.ts';

export interface ProtectionOptions extends RenewerOptions {
  readonly key: (message: Message) => string | undefined;
  readonly retentionMs: number;
  readonly onStoreError: 'retry' | 'run';
  readonly result: ((message: Message) => Uint8Array | undefined) | undefined;
  readonly onDuplicate: ((message: Message, result: Uint8Array | undefined) => Promise<void> | void) | undefined;
}

type Result = Outcome | undefined;

const putBack = (): Outcome => retryLater(1000, { charge: false });

/** The life of claims around one run of a handler, for one message or for a batch. */
export class Protection {
  readonly #options: ProtectionOptions;
  readonly #renewer: ClaimRenewer;
  readonly #steps: ClaimSteps;

  constructor(options: ProtectionOptions) {
    this.#options = options;
    this.#renewer = new ClaimRenewer(options);
    this.#steps = new ClaimSteps(options);
  }

  /** @throws LEASE_LOST for a success that no longer counts. */
  async runOne<D extends Delivery>(delivery: D, run: (own: D) => Promise<Result | void>): Promise<Result> {
    const item = this.#guard(delivery);
    if (item.key !== '') await this.#claim(item);
    try {
      if (item.state === 'done') await this.#tellDuplicates([item]);
      if (!item.starts) return item.outcome;
      item.outcome = (await run(item.view)) as Result;
    } catch (error) {
      throw await this.#failed([item], error);
    }
    await this.#settle(item);
    if (item.state === 'fenced') throw leaseLost();
    return item.outcome;
  }

  /** One outcome per delivery, in order. A success that no longer counts is put back. */
  async runBatch<D extends Delivery>(
    deliveries: readonly D[],
    run: (own: readonly D[]) => Promise<readonly Result[] | void>,
  ): Promise<readonly Result[]> {
    const items = deliveries.map((delivery) => this.#guard(delivery));
    const firsts = firstsOf(items);
    await Promise.all(Array.from(firsts.values(), (item) => this.#claim(item)));
    const isFirst = (item: Guarded): boolean => item.key === '' || firsts.get(item.key) === item;
    const started = items.filter((item) => item.starts && isFirst(item));
    try {
      await this.#tellDuplicates(items);
      const outcomes = started.length > 0 ? await run(started.map(({ view }) => view)) : undefined;
      started.forEach((item, index) => (item.outcome = outcomes?.[index]));
    } catch (error) {
      throw await this.#failed(started, error);
    }
    await Promise.all(started.map((item) => this.#settle(item)));
    return items.map((item) => (isFirst(item) ? item.outcome : outcomeBehind(firsts.get(item.key))));
  }

  #guard<D extends Delivery>(delivery: D): Guarded<D> {
    return new Guarded(delivery, scopedKey(delivery, this.#options.key(delivery.message)));
  }

  async #claim(item: Guarded): Promise<void> {
    const failure = await this.#steps.claims.ask(item);
    if (failure === undefined) return this.#take(item, item.answer as ClaimResult);
    if (this.#options.onStoreError === 'run') return;
    item.state = 'waiting';
    item.outcome = putBack();
  }

  #take(item: Guarded, answer: ClaimResult): void {
    if (answer.state === 'claimed') {
      item.state = 'claimed';
      item.token = answer.token;
      this.#renewer.add(item);
    } else if (answer.state === 'busy') {
      item.state = 'waiting';
      const delayMs = Math.min(this.#options.leaseMs, Math.max(1, answer.retryInMs || 0));
      item.outcome = retryLater(delayMs, { charge: false });
    } else {
      item.state = 'done';
      item.result = answer.result;
    }
  }

  /** What throws here has failed the attempt: it is a duplicate the next time too. */
  async #tellDuplicates(items: readonly Guarded[]): Promise<void> {
    const { onDuplicate } = this.#options;
    if (onDuplicate === undefined) return;
    for (const { delivery, state, result } of items) if (state === 'done') await onDuplicate(delivery.message, result);
  }

  async #failed(items: readonly Guarded[], error: unknown): Promise<unknown> {
    await Promise.all(items.map((item) => this.#release(item)));
    return items.some(({ lost }) => lost) ? leaseLost(error) : error;
  }

  async #settle(item: Guarded): Promise<void> {
    const hasFailed = outcomeKind(item.outcome) !== undefined;
    if (hasFailed) return this.#release(item);
    try {
      item.state = item.state === 'claimed' ? await this.#confirm(item) : 'done';
      if (item.state !== 'done') item.outcome = putBack();
    } finally {
      this.#renewer.remove(item);
    }
  }

  /** What cannot be given back ends with its lease. */
  async #release(item: Guarded): Promise<void> {
    if (item.state !== 'claimed') return;
    await this.#steps.releases.ask(item);
    this.#renewer.remove(item);
  }

  /** Asked again for the length of a lease, for the work is done, and would be done twice otherwise. */
  async #confirm(item: Guarded): Promise<'done' | 'fenced' | 'waiting'> {
    const { clock, leaseMs, onStoreError, result } = this.#options;
    item.result = result?.(item.delivery.message);
    const until = clock.now() + leaseMs;
    for (let delayMs = 100; ; delayMs = Math.min(1000, delayMs * 2)) {
      const failure = await this.#steps.completions.ask(item);
      if (failure === undefined) return item.confirmed ? 'done' : 'fenced';
      if (onStoreError === 'run') return 'done';
      if (isFinal(failure.error) || clock.now() + delayMs > until) return 'waiting';
      const { signal } = item.own;
      await sleep(clock, delayMs, signal);
      if (signal.aborted) return 'waiting';
    }
  }
}

/** Of each key, the first that has it. */
function firstsOf(items: readonly Guarded[]): ReadonlyMap<string, Guarded> {
  const firsts = new Map<string, Guarded>();
  for (const item of items) if (item.key !== '' && !firsts.has(item.key)) firsts.set(item.key, item);
  return firsts;
}

function outcomeBehind(first: Guarded | undefined): Result {
  return first?.state === 'done' ? undefined : putBack();
}

function isFinal(error: unknown): boolean {
  return AnymqError.isInstance(error) && !error.retryable;
}
