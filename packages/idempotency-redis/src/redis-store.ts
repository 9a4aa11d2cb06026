import { randomBytes } from 'node:crypto';
import { AnymqError, type Claim, type ClaimResult, type IdempotencyStore } from '@anymq/core';
import { claimDistinct } from '@anymq/core/driver';
import { runScript, type Answer, type Argument, type RedisClient } from './client.ts';
import { claim, complete, extend, release, type Script } from './scripts.ts';

export interface RedisStoreSettings {
  readonly client: RedisClient;
  readonly prefix: string;
  readonly timeoutMs: number;
}

interface Owned extends Claim {
  readonly result?: Uint8Array | undefined;
}

/** How long a claim stays after its lease, for an owner that is late and not yet superseded. */
const graceMs = 3_600_000;
/** A script holds up the server: one of so many keys for about a millisecond. */
const maxKeysPerCall = 500;

export class RedisStore implements IdempotencyStore {
  readonly #settings: RedisStoreSettings;
  /** A name of this store's, and a number: short, and nobody else's. */
  readonly #name = randomBytes(9).toString('base64url');
  #calls = 0;
  #closed = false;

  constructor(settings: RedisStoreSettings) {
    this.#settings = settings;
  }

  /** All keys of a call have one token, which no other call has. */
  claim(keys: readonly string[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly ClaimResult[]> {
    const token = `${this.#name}${(this.#calls += 1).toString(36)}`;
    return claimDistinct(keys, leaseMs, async (distinct) => {
      const ours: ClaimResult = { state: 'claimed', token };
      const results = distinct.map((): ClaimResult => ours);
      await this.#inParts(distinct, async (part, from) => {
        const answer = await this.#run(claim, part, [...leaseTimes(leaseMs), token]);
        for (let n = 0; n < answer.length; n += 2) results[from + Number(answer[n]) - 1] = standing(answer[n + 1]);
      });
      return results;
    });
  }

  extend(claims: readonly Claim[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly boolean[]> {
    return this.#runOwned(extend, claims, leaseTimes(leaseMs));
  }

  complete(claims: readonly Owned[], { retentionMs }: { readonly retentionMs: number }): Promise<readonly boolean[]> {
    return this.#runOwned(complete, claims, [wholeMs(retentionMs)]);
  }

  async release(claims: readonly Claim[]): Promise<void> {
    await this.#runOwned(release, claims, []);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Of each claim whether it is ours. */
  async #runOwned(script: Script, claims: readonly Owned[], head: readonly Argument[]): Promise<readonly boolean[]> {
    const ours = claims.map(() => true);
    await this.#inParts(claims, async (part, from) => {
      const keys = part.map(({ key }) => key);
      const answer = await this.#run(script, keys, [...head, ...part.map(({ token }) => token), ...resultsOf(part)]);
      for (const number of answer) ours[from + Number(number) - 1] = false;
    });
    return ours;
  }

  /** By one call, or by several at once: of very many, and on a cluster, where keys are on many servers, of each. */
  async #inParts<T>(all: readonly T[], work: (part: readonly T[], from: number) => Promise<void>): Promise<void> {
    const { client } = this.#settings;
    if (this.#closed)
      throw new AnymqError('CLOSED', 'The idempotency store is closed. Close it after its consumers have stopped.');
    const perCall = client.isCluster === true ? 1 : maxKeysPerCall;
    if (all.length > 0 && all.length <= perCall) return work(all, 0);
    const parts = Array.from({ length: Math.ceil(all.length / perCall) }, (_, n) => n * perCall);
    await Promise.all(parts.map((from) => work(all.slice(from, from + perCall), from)));
  }

  #run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<readonly Answer[]> {
    const { client, prefix, timeoutMs } = this.#settings;
    const names = keys.map((key) => prefix + key);
    return runScript(client, script, names, args, timeoutMs);
  }
}

function leaseTimes(leaseMs: number): readonly Argument[] {
  return [wholeMs(leaseMs), wholeMs(leaseMs + graceMs)];
}

function wholeMs(ms: number): number {
  return Math.max(1, Math.ceil(ms));
}

/** None at all where nobody has one. */
function resultsOf(claims: readonly Owned[]): readonly Argument[] {
  if (claims.every(({ result }) => result === undefined)) return [];
  return claims.map(({ result }) => (result === undefined ? '0' : Buffer.concat([Buffer.from('1'), result])));
}

/** Of a key that is not ours. */
function standing(answer: Answer | undefined): ClaimResult {
  if (!(answer instanceof Uint8Array)) throw new AnymqError('UNKNOWN', 'Redis left a key unanswered.');
  const [kind, rest] = [String.fromCharCode(answer[0] ?? 0), answer.subarray(1)];
  if (kind === 'b') return { state: 'busy', retryInMs: Number(rest.toString('latin1')) };
  return rest[0] === 49 ? { state: 'done', result: new Uint8Array(rest.subarray(1)) } : { state: 'done' };
}
