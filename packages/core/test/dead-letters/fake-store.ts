import { createDeadLetterQueue } from '../../src/dead-letters/dead-letter-queue.ts';
import type { DeadLetterContext } from '../../src/dead-letters/context.ts';
import type { DeadLetter, DeadLetterQueue } from '../../src/dead-letter-types.ts';
import type { DeadLetterStore, SettleResult, StoredLetter } from '../../src/driver-interface.ts';
import { AnymqError } from '../../src/errors.ts';
import type { Count } from '../../src/inspection.ts';
import type { Token } from '../../src/message.ts';
import { VirtualClock } from '../middleware/virtual-clock.ts';

/** The dead letters of a broker. What a test wants to go wrong, it puts in place of a hook. */
export class FakeLetters {
  letters: StoredLetter[] = [];
  readonly requeued: StoredLetter[] = [];
  readonly pageLimits: number[] = [];
  readonly requeueSizes: number[] = [];
  opened = 0;
  closed = 0;
  /** The answer of the next count; the exact one when undefined. */
  counted: Count | undefined;
  onPage: () => unknown = () => undefined;
  onRequeue: (letters: readonly StoredLetter[]) => unknown = () => undefined;
  onCount: () => unknown = () => undefined;
  onClose: () => unknown = () => undefined;
  result: (letter: StoredLetter, change: 'requeue' | 'remove') => SettleResult = () => ({ ok: true });
  #ref = 0;

  add(id: string, changes: Partial<StoredLetter['failure']> = {}): StoredLetter {
    this.#ref += 1;
    const failure = {
      name: 'Error',
      message: `failure of ${id}`,
      attempts: 5,
      firstFailedAt: 1,
      lastFailedAt: 999_000,
      destination: 'orders',
      ...changes,
    };
    const body = new TextEncoder().encode(id);
    const letter = {
      id,
      ref: this.#ref,
      body,
      headers: { h: id },
      time: new Date(0),
      type: 't',
      source: '/s',
      failure,
    };
    this.letters.push(letter);
    return letter;
  }

  open(): DeadLetterStore {
    this.opened += 1;
    return {
      count: async () => {
        await this.onCount();
        return this.counted ?? { value: this.letters.length, exact: true };
      },
      page: (cursor, { limit }) => this.#page(Number(cursor ?? 0), limit),
      requeue: async (refs) => {
        const letters = this.#at(refs);
        this.requeueSizes.push(letters.length);
        await this.onRequeue(letters);
        const results = letters.map((letter) => this.#change(letter, 'requeue'));
        this.requeued.push(...letters.filter((_, index) => results[index]?.ok));
        return results;
      },
      remove: async (refs) => this.#at(refs).map((letter) => this.#change(letter, 'remove')),
      close: async () => {
        this.closed += 1;
        await this.onClose();
      },
    };
  }

  /** The cursor is the last ref, so that removals shift nothing. */
  async #page(after: number, limit: number): ReturnType<DeadLetterStore['page']> {
    this.pageLimits.push(limit);
    await this.onPage();
    const letters = this.letters.filter(({ ref }) => (ref as number) > after).slice(0, limit);
    const last = letters.at(-1);
    const more = last !== undefined && last !== this.letters.at(-1);
    return { letters, ...(more ? { cursor: JSON.stringify(last.ref) } : {}) };
  }

  #at(refs: readonly Token[]): StoredLetter[] {
    return refs.map((ref) => {
      const letter = this.letters.find((candidate) => candidate.ref === ref);
      if (letter === undefined) throw new Error('There is no such letter.');
      return letter;
    });
  }

  #change(letter: StoredLetter, change: 'requeue' | 'remove'): SettleResult {
    const result = this.result(letter, change);
    if (result.ok) this.letters = this.letters.filter((other) => other !== letter);
    return result;
  }
}

export interface Setting {
  readonly clock: VirtualClock;
  readonly store: FakeLetters;
  readonly client: AbortController;
  readonly watchErrors: unknown[];
  readonly closeErrors: unknown[];
  readonly queue: DeadLetterQueue;
}

export function setUp(ids: readonly string[] = [], changes: Partial<DeadLetterContext> = {}): Setting {
  const clock = new VirtualClock();
  const store = new FakeLetters();
  const client = new AbortController();
  const watchErrors: unknown[] = [];
  const closeErrors: unknown[] = [];
  for (const id of ids) store.add(id);
  const queue = createDeadLetterQueue({
    openStore: async () => store.open(),
    clock,
    call: (work) =>
      work().catch((error: unknown) => {
        throw new AnymqError('NOT_CONNECTED', 'wrapped', { cause: error });
      }),
    onTrouble: (what, error) => (what === 'watch' ? watchErrors : closeErrors).push(error),
    signal: client.signal,
    ...changes,
  });
  return { clock, store, client, watchErrors, closeErrors, queue };
}

export function names(count: number, prefix = 'm'): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

export async function idsOf(letters: AsyncIterable<DeadLetter>): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { id } of letters) ids.push(id);
  return ids;
}

/** Neither a timer nor an open store is left. */
export function leftOver({ clock, store }: Setting): unknown {
  return { timers: clock.pending, stores: store.opened - store.closed };
}
export const nothing = { timers: 0, stores: 0 };
