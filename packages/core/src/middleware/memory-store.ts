import { type Clock, steadyClock } from '../clock.ts';
import { AnymqError } from '../errors.ts';
import { requireKnown, requireNumber } from '../options.ts';
import { Entry, ExpiryLine } from './expiry-line.ts';
import type { Claim, ClaimResult, IdempotencyStore } from './idempotency-store.ts';

export interface MemoryStoreOptions {
  /** 100,000 by default; from 1. Past it, keys that have expired go first, then those completed longest ago. */
  readonly maxKeys?: number | undefined;
  /** One that the machine's clock cannot set back or forward, by default. */
  readonly clock?: Clock | undefined;
}

/**
 * Keeps keys in this process, for tests and for consumers of one process. Claims in force are never given up for room:
 * they are as many as there are messages in work. Needs no timer. @throws INVALID_OPTION
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): IdempotencyStore {
  requireKnown('createMemoryStore', options, ['maxKeys', 'clock']);
  const maxKeys = requireNumber('maxKeys', options.maxKeys ?? 100_000, { min: 1, integer: true });
  return new MemoryStore(maxKeys, options.clock ?? steadyClock);
}

class MemoryStore implements IdempotencyStore {
  readonly #entries = new Map<string, Entry>();
  /** By lease and by retention. */
  readonly #claimed = new Map<number, ExpiryLine>();
  readonly #done = new Map<number, ExpiryLine>();
  readonly #maxKeys: number;
  readonly #clock: Clock;
  /** Times are counted from here. */
  readonly #startedAt: number;
  #lastToken = 0;
  #closed = false;

  constructor(maxKeys: number, clock: Clock) {
    this.#maxKeys = maxKeys;
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  async claim(keys: readonly string[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly ClaimResult[]> {
    const now = this.#now();
    const line = lineOf(this.#claimed, leaseMs, false);
    const ours: Ours = { state: 'claimed', token: String((this.#lastToken += 1)) };
    const results = keys.map((key) => this.#claimOne(key, ours, line, now));
    if (this.#entries.size > this.#maxKeys) this.#makeRoom(now);
    return results;
  }

  async extend(claims: readonly Claim[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly boolean[]> {
    const now = this.#now();
    const line = lineOf(this.#claimed, leaseMs, false);
    return claims.map((claim) => {
      const entry = this.#owned(claim);
      if (entry === undefined || entry.line.isDone) return false;
      line.take(entry, now);
      return true;
    });
  }

  async complete(
    claims: readonly (Claim & { readonly result?: Uint8Array | undefined })[],
    { retentionMs }: { readonly retentionMs: number },
  ): Promise<readonly boolean[]> {
    const now = this.#now();
    const line = lineOf(this.#done, retentionMs, true);
    return claims.map((claim) => {
      const entry = this.#owned(claim);
      if (entry === undefined || entry.line.isDone) return entry !== undefined;
      entry.result = claim.result;
      line.take(entry, now);
      return true;
    });
  }

  async release(claims: readonly Claim[]): Promise<void> {
    this.#now();
    for (const claim of claims) {
      const entry = this.#owned(claim);
      if (entry?.line.isDone === false) this.#drop(entry);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const map of [this.#entries, this.#claimed, this.#done]) map.clear();
  }

  #claimOne(key: string, ours: Ours, line: ExpiryLine, now: number): ClaimResult {
    const known = this.#entries.get(key);
    if (known !== undefined && known.expiresAt > now) {
      const { line: stands, result, expiresAt } = known;
      if (stands.isDone) return { state: 'done', result };
      return { state: 'busy', retryInMs: Math.min(stands.durationMs, expiresAt - now) };
    }
    if (known !== undefined) this.#drop(known);
    const entry = new Entry(key, ours.token, line);
    this.#entries.set(key, entry);
    line.add(entry, now);
    return ours;
  }

  #owned({ key, token }: Claim): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry?.token === token ? entry : undefined;
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.key);
    entry.line.remove(entry);
  }

  #makeRoom(now: number): void {
    for (const lines of [this.#claimed, this.#done]) {
      for (const line of lines.values()) {
        while (line.first !== undefined && line.first.expiresAt <= now) this.#drop(line.first);
      }
    }
    while (this.#entries.size > this.#maxKeys) {
      const oldest = this.#oldestDone();
      if (oldest === undefined) return;
      this.#drop(oldest);
    }
  }

  #oldestDone(): Entry | undefined {
    let oldest: Entry | undefined;
    let oldestAt = Infinity;
    for (const { first, durationMs } of this.#done.values()) {
      if (first === undefined || first.expiresAt - durationMs >= oldestAt) continue;
      oldest = first;
      oldestAt = first.expiresAt - durationMs;
    }
    return oldest;
  }

  /** @throws CLOSED */
  #now(): number {
    if (this.#closed)
      throw new AnymqError('CLOSED', 'The idempotency store is closed. Close it after its consumers have stopped.');
    return this.#clock.now() - this.#startedAt;
  }
}

type Ours = Extract<ClaimResult, { readonly state: 'claimed' }>;

function lineOf(lines: Map<number, ExpiryLine>, durationMs: number, isDone: boolean): ExpiryLine {
  const known = lines.get(durationMs);
  if (known !== undefined) return known;
  const line = new ExpiryLine(durationMs, isDone);
  lines.set(durationMs, line);
  return line;
}
