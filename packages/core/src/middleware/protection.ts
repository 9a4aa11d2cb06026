import { sleep } from '../clock.ts';
import type { Delivery } from '../consume-types.ts';
import { AnymqError } from '../errors.ts';
import type { Message } from '../message.ts';
import { type Outcome, outcomeKind, retryLater } from '../outcome.ts';
import { ClaimRenewer, type HeldClaim, leaseLost, type RenewerOptions } from './claim-renewer.ts';
import type { ClaimResult } from './idempotency-store.ts';
import { oneCallATurn, type Steps } from './one-call-a-turn.ts';
import { scopedKey } from './scoped-key.ts';
import { OwnSignal, withSignal } from './with-signal.ts';

export interface ProtectionOptions extends RenewerOptions {
  readonly key: (message: Message) => string | undefined;
  readonly retentionMs: number;
  readonly onStoreError: 'retry' | 'run';
  readonly result: ((message: Message) => Uint8Array | undefined) | undefined;
  readonly onDuplicate: ((message: Message, result: Uint8Array | undefined) => Promise<void> | void) | undefined;
}

type Result = Outcome | undefined;
type Run<D> = (deliveries: readonly D[]) => Promise<readonly Result[]>;

/** One delivery on its way through. */
interface Item<D> {
  /** What the handler gets. */
  view: D;
  /** Undefined: not protected. */
  readonly key: string | undefined;
  /** The one with the same key, earlier in the batch. */
  first: Item<D> | undefined;
  claim: HeldClaim | undefined;
  starts: boolean;
  completed: boolean;
  /** Of a duplicate: what the store has. */
  result: Uint8Array | undefined;
  outcome: Result;
}

export const putBack = (): Outcome => retryLater(1000, { charge: false });

/** The life of claims around one run of a handler, for one message or for a batch. */
export class Protection {
  readonly #options: ProtectionOptions;
  readonly #renewer: ClaimRenewer;
  readonly #steps: Steps;

  constructor(options: ProtectionOptions) {
    this.#options = options;
    this.#renewer = new ClaimRenewer(options);
    this.#steps = oneCallATurn(options.store, options.leaseMs, options.retentionMs);
  }

  /** One outcome per delivery, in order. Calls `onFenced` for a success that no longer counts. */
  async run<D extends Delivery>(
    deliveries: readonly D[],
    run: Run<D>,
    onFenced: () => Outcome,
  ): Promise<readonly Result[]> {
    const items = deliveries.map((delivery) => toItem(delivery, this.#options.key(delivery.message)));
    try {
      await this.#claim(items);
    } catch (error) {
      this.#options.onError(error);
      return this.#options.onStoreError === 'run' ? run(deliveries) : deliveries.map(putBack);
    }
    await this.#tellDuplicates(items);
    const started = items.filter(({ starts }) => starts);
    if (started.length > 0) await this.#handle(started, run, onFenced);
    return items.map(({ first, outcome }) => (first === undefined || first.completed ? outcome : putBack()));
  }

  async #claim<D extends Delivery>(items: readonly Item<D>[]): Promise<void> {
    const { leaseMs, clock } = this.#options;
    const asked = distinct(items);
    if (asked.length === 0) return;
    const validUntil = clock.now() + leaseMs;
    const answers = await this.#steps.claim(asked.map(({ key }) => key as string));
    asked.forEach((item, index) => this.#take(item, answers[index], validUntil));
    if (clock.now() < validUntil) return;
    // Somebody else may have them by now.
    await this.#release(items);
    throw new AnymqError('TIMEOUT', 'The idempotency store answered only when the lease of the claim had ended.');
  }

  /** What throws here has failed the attempt: it is a duplicate the next time too. */
  async #tellDuplicates(items: readonly Item<Delivery>[]): Promise<void> {
    const { onDuplicate } = this.#options;
    if (onDuplicate === undefined) return;
    try {
      for (const { view, completed, result } of items) if (completed) await onDuplicate(view.message, result);
    } catch (error) {
      await this.#release(items);
      throw error;
    }
  }

  #take<D extends Delivery>(item: Item<D>, answer: ClaimResult | undefined, validUntil: number): void {
    if (answer === undefined) throw new AnymqError('UNKNOWN', 'The idempotency store left keys unanswered.');
    if (answer.state === 'claimed') {
      const own = new OwnSignal(item.view);
      item.claim = { key: item.key as string, token: answer.token, validUntil, renewing: false, lost: false, own };
      item.view = withSignal(item.view, own);
      item.starts = true;
    } else if (answer.state === 'busy') {
      const delayMs = Math.min(this.#options.leaseMs, Math.max(1, answer.retryInMs || 0));
      item.outcome = retryLater(delayMs, { charge: false });
    } else {
      item.completed = true;
      item.result = answer.result;
    }
  }

  async #handle<D extends Delivery>(items: readonly Item<D>[], run: Run<D>, onFenced: () => Outcome): Promise<void> {
    const claimed = items.filter(({ claim }) => claim !== undefined);
    const claims = claimed.map(({ claim }) => claim as HeldClaim);
    this.#renewer.add(claims);
    try {
      await this.#runAll(items, claims, run);
      const failed = claimed.filter(({ outcome }) => outcomeKind(outcome) !== undefined);
      if (failed.length > 0) await this.#release(failed);
      if (failed.length === claimed.length) return;
      const succeeded =
        failed.length === 0 ? claimed : claimed.filter(({ outcome }) => outcomeKind(outcome) === undefined);
      await this.#complete(succeeded, onFenced);
    } finally {
      this.#renewer.remove(claims);
    }
  }

  async #runAll<D extends Delivery>(
    items: readonly Item<D>[],
    claims: readonly HeldClaim[],
    run: Run<D>,
  ): Promise<void> {
    try {
      const outcomes = await run(items.map(({ view }) => view));
      items.forEach((item, index) => (item.outcome = outcomes[index]));
    } catch (error) {
      await this.#release(items);
      throw claims.some(({ lost }) => lost) ? leaseLost(error) : error;
    }
  }

  /** What cannot be given back ends with its lease. */
  async #release(items: readonly Item<Delivery>[]): Promise<void> {
    const claims = claimsOf(items);
    if (claims.length === 0) return;
    try {
      await this.#options.store.release(claims);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  async #complete(items: readonly Item<Delivery>[], onFenced: () => Outcome): Promise<void> {
    const confirmed = await this.#confirm(items);
    items.forEach((item, index) => {
      item.completed = confirmed?.[index] === true;
      if (!item.completed) item.outcome = confirmed === undefined ? putBack() : onFenced();
    });
  }

  /**
   * Undefined: the store did not answer. Asked again for the length of a lease, for the work is done, and would be done
   * twice otherwise.
   */
  async #confirm(items: readonly Item<Delivery>[]): Promise<readonly boolean[] | undefined> {
    const { clock, leaseMs, onStoreError, onError, result } = this.#options;
    const claims = claimsOf(items).map((own, index) => {
      const bytes = result?.((items[index] as Item<Delivery>).view.message);
      return bytes === undefined ? own : { ...own, result: bytes };
    });
    const until = clock.now() + leaseMs;
    for (let delayMs = 100; ; delayMs = Math.min(1000, delayMs * 2)) {
      try {
        return await this.#steps.complete(claims);
      } catch (error) {
        onError(error);
        if (onStoreError === 'run') return items.map(() => true);
        if (isFinal(error) || clock.now() + delayMs > until) return undefined;
        const signal = items[0]?.view.signal;
        await sleep(clock, delayMs, signal);
        if (signal?.aborted === true) return undefined;
      }
    }
  }
}

function toItem<D extends Delivery>(view: D, key: string | undefined): Item<D> {
  const unset = { first: undefined, claim: undefined, result: undefined, outcome: undefined };
  return { view, key: scopedKey(view, key), starts: false, completed: false, ...unset };
}

/** Those whose keys are to be claimed. One that needs no protection starts; one whose key came before refers to the first. */
function distinct<D extends Delivery>(items: readonly Item<D>[]): readonly Item<D>[] {
  const firsts = new Map<string, Item<D>>();
  for (const item of items) {
    if (item.key === undefined) item.starts = true;
    else if (firsts.has(item.key)) item.first = firsts.get(item.key);
    else firsts.set(item.key, item);
  }
  return [...firsts.values()];
}

function claimsOf(items: readonly Item<Delivery>[]): { readonly key: string; readonly token: string }[] {
  return items.flatMap(({ claim }) => (claim === undefined ? [] : { key: claim.key, token: claim.token }));
}

function isFinal(error: unknown): boolean {
  return AnymqError.isInstance(error) && !error.retryable;
}
