import { type Clock, systemClock } from '../clock.ts';
import { AnymqError } from '../errors.ts';
import { requireKnown, requireNumber } from '../options.ts';
import type { Claim, ClaimResult, IdempotencyStore } from './idempotency-store.ts';

export interface MemoryStoreOptions {
  /** 100,000 by default; from 1. Past it, keys that have expired go first, then those completed longest ago. */
  readonly maxKeys?: number | undefined;
  /** The system's by default. */
  readonly clock?: Clock | undefined;
}

/**
 * Keeps keys in this process, for tests and for consumers of one process. Claims in force are never given up for room:
 * they are as many as there are messages in work. Needs no timer. @throws INVALID_OPTION
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): IdempotencyStore {
  requireKnown('createMemoryStore', options, ['maxKeys', 'clock']);
  const maxKeys = requireNumber('maxKeys', options.maxKeys ?? 100_000, { min: 1, integer: true });
  return new MemoryStore(maxKeys, options.clock ?? systemClock);
}

interface Entry {
  readonly token: string;
  readonly expiresAt: number;
  /** The line that it stands in. */
  readonly line: Line;
  readonly result?: Uint8Array | undefined;
}
/** Keys of one state and one duration, so that the first is always the first to expire. */
interface Line {
  readonly done: boolean;
  readonly durationMs: number;
  readonly keys: Set<string>;
}

class MemoryStore implements IdempotencyStore {
  readonly #entries = new Map<string, Entry>();
  readonly #lines = new Map<string, Line>();
  readonly #maxKeys: number;
  readonly #clock: Clock;
  #lastToken = 0;
  #closed = false;

  constructor(maxKeys: number, clock: Clock) {
    this.#maxKeys = maxKeys;
    this.#clock = clock;
  }

  async claim(keys: readonly string[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly ClaimResult[]> {
    const now = this.#now();
    const results = keys.map((key) => this.#claimOne(key, leaseMs, now));
    this.#makeRoom(now);
    return results;
  }

  async extend(claims: readonly Claim[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly boolean[]> {
    const now = this.#now();
    return claims.map(({ key, token }) => {
      if (this.#owned(key, token)?.line.done !== false) return false;
      this.#put(key, token, false, now, leaseMs);
      return true;
    });
  }

  async complete(
    claims: readonly (Claim & { readonly result?: Uint8Array | undefined })[],
    { retentionMs }: { readonly retentionMs: number },
  ): Promise<readonly boolean[]> {
    const now = this.#now();
    return claims.map(({ key, token, result }) => {
      const entry = this.#owned(key, token);
      if (entry?.line.done === false) this.#put(key, token, true, now, retentionMs, result);
      return entry !== undefined;
    });
  }

  async release(claims: readonly Claim[]): Promise<void> {
    this.#now();
    for (const { key, token } of claims) {
      if (this.#owned(key, token)?.line.done === false) this.#drop(key);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#entries.clear();
    this.#lines.clear();
  }

  #claimOne(key: string, leaseMs: number, now: number): ClaimResult {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt <= now) {
      const token = String((this.#lastToken += 1));
      this.#put(key, token, false, now, leaseMs);
      return { state: 'claimed', token };
    }
    return entry.line.done
      ? { state: 'done', result: entry.result }
      : { state: 'busy', retryInMs: entry.expiresAt - now };
  }

  #owned(key: string, token: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry?.token === token ? entry : undefined;
  }

  /** At the end of its line: the last to expire there. */
  #put(key: string, token: string, done: boolean, now: number, durationMs: number, result?: Uint8Array): void {
    this.#entries.get(key)?.line.keys.delete(key);
    const line = this.#line(done, durationMs);
    line.keys.add(key);
    this.#entries.set(key, { token, line, expiresAt: now + durationMs, result });
  }

  #line(done: boolean, durationMs: number): Line {
    const name = `${done} ${durationMs}`;
    const line = this.#lines.get(name) ?? { done, durationMs, keys: new Set<string>() };
    this.#lines.set(name, line);
    return line;
  }

  #drop(key: string): void {
    this.#entries.get(key)?.line.keys.delete(key);
    this.#entries.delete(key);
  }

  #makeRoom(now: number): void {
    if (this.#entries.size <= this.#maxKeys) return;
    for (const [name, { keys }] of this.#lines) {
      for (const key of keys) {
        if ((this.#entries.get(key)?.expiresAt ?? 0) > now) break;
        this.#drop(key);
      }
      if (keys.size === 0) this.#lines.delete(name);
    }
    while (this.#entries.size > this.#maxKeys) {
      const oldest = this.#oldestDone();
      if (oldest === undefined) return;
      this.#drop(oldest);
    }
  }

  #oldestDone(): string | undefined {
    let oldest: string | undefined;
    let oldestAt = Infinity;
    for (const { done, durationMs, keys } of this.#lines.values()) {
      const [key] = done ? keys : [];
      const completedAt = key === undefined ? Infinity : (this.#entries.get(key)?.expiresAt ?? 0) - durationMs;
      if (completedAt < oldestAt) [oldest, oldestAt] = [key, completedAt];
    }
    return oldest;
  }

  /** @throws CLOSED */
  #now(): number {
    if (this.#closed)
      throw new AnymqError('CLOSED', 'The idempotency store is closed. Close it after its consumers have stopped.');
    return this.#clock.now();
  }
}
