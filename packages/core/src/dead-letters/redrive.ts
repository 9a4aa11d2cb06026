import { sleep } from '../clock.ts';
import type { RedriveOptions, RedriveResult } from '../dead-letter-types.ts';
import type { SettleResult, StoredLetter } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';
import { requireKnown, requireNumber } from '../options.ts';
import { selector } from './dead-letter.ts';
import { RateLimiter } from './rate-limiter.ts';
import { requireLimit } from './require-limit.ts';
import type { DeadLetterContext } from './context.ts';
import { StoreSession } from './store-session.ts';

/**
 * Sends letters back that were there when it began: no more than the store counted then, where it counts exactly, and none
 * whose last failure is later. `limit` bounds the letters that it tries; one that somebody else has taken away meanwhile
 * counts as skipped. Aborted, it resolves with what was done; a client that closes meanwhile is CLOSED.
 * @throws INVALID_OPTION, CLOSED, what the store's errors mean, and what `where` and `onProgress` throw
 */
export async function redrive(context: DeadLetterContext, options: RedriveOptions = {}): Promise<RedriveResult> {
  requireKnown('redrive', options, ['ids', 'where', 'ratePerSecond', 'limit', 'dryRun', 'onProgress', 'signal']);
  const run = new Redrive(context, options);
  let session: StoreSession | undefined;
  try {
    session = await StoreSession.open(context, options.signal);
    await run.all(session);
  } catch (error) {
    const aborted = AnymqError.isInstance(error) && error.code === 'ABORTED' && options.signal?.aborted === true;
    if (!aborted) throw error;
  } finally {
    await session?.close();
  }
  return run.done;
}

class Redrive {
  readonly #context: DeadLetterContext;
  readonly #options: RedriveOptions;
  readonly #limit: number;
  readonly #limiter: RateLimiter | undefined;
  readonly #select: (letter: StoredLetter) => boolean;
  /** What became of each id that was seen. */
  readonly #fates = new Map<string, 'waits' | 'stays' | 'gone'>();
  readonly #done = { redriven: 0, skipped: 0, failed: 0 };
  readonly #waiting: StoredLetter[] = [];
  /** Further letters of ids that were seen. */
  #copies: StoredLetter[] = [];
  #tried = 0;
  #reported = 0;

  constructor(context: DeadLetterContext, options: RedriveOptions) {
    const { limit, ratePerSecond } = options;
    this.#context = context;
    this.#options = options;
    this.#limit = requireLimit(limit);
    this.#select = selector(options);
    if (ratePerSecond === undefined) return;
    requireNumber('ratePerSecond', ratePerSecond, { min: 0.001 });
    this.#limiter = ratePerSecond === Infinity ? undefined : new RateLimiter(ratePerSecond, context.clock);
  }

  get done(): RedriveResult {
    return { ...this.#done };
  }

  async all(session: StoreSession): Promise<void> {
    const startedAt = this.#context.clock.now();
    const { value, exact } = await session.read((store) => store.count());
    let left = exact && value !== null ? value : Infinity;
    if (left === 0 || this.#limit === 0) return;
    for await (const letters of session.pages()) {
      const present = letters.slice(0, left).filter(({ failure }) => failure.lastFailedAt <= startedAt);
      for (const letter of present) this.#sort(letter);
      // Small batches would cost the rate, so what fills none waits for the next page.
      await this.#move(session, session.batchSize);
      left -= letters.length;
      if (left <= 0 || this.#tried >= this.#limit) break;
    }
    await this.#move(session, 1);
  }

  #sort(letter: StoredLetter): void {
    const { id } = letter;
    if (this.#fates.has(id)) this.#copies.push(letter);
    else if (this.#tried < this.#limit) {
      const chosen = this.#select(letter);
      this.#fates.set(id, chosen ? 'waits' : 'stays');
      if (chosen) this.#waiting.push(letter);
      if (chosen) this.#tried += 1;
      else this.#done.skipped += 1;
    }
  }

  /** Until fewer than `atLeast` wait. */
  async #move(session: StoreSession, atLeast: number): Promise<void> {
    if (this.#options.dryRun === true) this.#done.redriven += this.#waiting.splice(0).length;
    while (this.#waiting.length >= atLeast) {
      const granted = await this.#grant(session, this.#waiting.length);
      await this.#requeue(session, this.#waiting.splice(0, granted));
    }
    await this.#dropCopies(session);
    this.#report();
  }

  async #grant(session: StoreSession, wanted: number): Promise<number> {
    const most = Math.min(wanted, session.batchSize);
    for (;;) {
      session.requireGoing();
      const { granted, waitMs } = this.#limiter?.take(most) ?? { granted: most, waitMs: 0 };
      if (granted > 0) return granted;
      await sleep(this.#context.clock, waitMs, session.stop);
    }
  }

  async #requeue(session: StoreSession, letters: readonly StoredLetter[]): Promise<void> {
    const results = await settled(session.change((store) => store.requeue(letters.map(({ ref }) => ref))));
    for (const [index, { id }] of letters.entries()) {
      const result = results[index];
      this.#fates.set(id, result?.ok === true ? 'gone' : 'stays');
      this.#done[result?.ok === true ? 'redriven' : result?.reason === 'lost' ? 'skipped' : 'failed'] += 1;
    }
    this.#report();
  }

  /** A crash may have dead-lettered a message twice: one was sent back, so the others must go. What stays is a failure. */
  async #dropCopies(session: StoreSession): Promise<void> {
    const letters = this.#copies.filter(({ id }) => this.#fates.get(id) === 'gone');
    this.#copies = this.#copies.filter(({ id }) => this.#fates.get(id) === 'waits');
    if (letters.length === 0) return;
    const results = await settled(session.change((store) => store.remove(letters.map(({ ref }) => ref))));
    this.#done.failed += letters.filter((_, index) => !isGone(results[index])).length;
  }

  #report(): void {
    const { redriven, skipped, failed } = this.#done;
    const sum = redriven + skipped + failed;
    if (sum === this.#reported) return;
    this.#reported = sum;
    this.#options.onProgress?.(this.done);
  }
}

/** When all failed, none has a result. */
function settled(results: Promise<readonly SettleResult[]>): Promise<readonly SettleResult[]> {
  return results.catch(() => []);
}

function isGone(result: SettleResult | undefined): boolean {
  return result?.ok === true || result?.reason === 'lost';
}
