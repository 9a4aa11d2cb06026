import { randomBytes } from 'node:crypto';
import { AnymqError, type Claim, type ClaimResult, type IdempotencyStore } from '@anymq/core';
import { runScript, type Argument, type RedisClient } from './client.ts';
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
  #claims = 0;
  #closed = false;

  constructor(settings: RedisStoreSettings) {
    this.#settings = settings;
  }

  async claim(keys: readonly string[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly ClaimResult[]> {
    const asked = keys.map((key) => ({ key, token: `${this.#name}${(this.#claims += 1).toString(36)}` }));
    const answers = await this.#run(claim, asked, leaseTimes(leaseMs), tokenOf);
    return answers.map((answer, n) => toClaimResult(answer, asked[n]?.token ?? ''));
  }

  async extend(claims: readonly Claim[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly boolean[]> {
    return (await this.#run(extend, claims, leaseTimes(leaseMs), tokenOf)).map(isYes);
  }

  async complete(
    claims: readonly Owned[],
    { retentionMs }: { readonly retentionMs: number },
  ): Promise<readonly boolean[]> {
    return (await this.#run(complete, claims, [wholeMs(retentionMs)], tokenAndResult)).map(isYes);
  }

  async release(claims: readonly Claim[]): Promise<void> {
    await this.#run(release, claims, [], tokenOf);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** One answer for each claim, in order: by one call, or on a cluster, where keys are on many servers, by one for each. */
  async #run(
    script: Script,
    claims: readonly Owned[],
    head: readonly Argument[],
    argumentsOf: (claim: Owned) => readonly Argument[],
  ): Promise<readonly Buffer[]> {
    const { client, prefix, timeoutMs } = this.#settings;
    if (this.#closed)
      throw new AnymqError('CLOSED', 'The idempotency store is closed. Close it after its consumers have stopped.');
    const perCall = client.isCluster === true ? 1 : maxKeysPerCall;
    const calls: Promise<readonly Buffer[]>[] = [];
    for (let from = 0; from < claims.length; from += perCall) {
      const part = claims.slice(from, from + perCall);
      const keys = part.map(({ key }) => prefix + key);
      calls.push(runScript(client, script, keys, [...head, ...part.flatMap(argumentsOf)], timeoutMs));
    }
    return (await Promise.all(calls)).flat();
  }
}

function leaseTimes(leaseMs: number): readonly Argument[] {
  return [wholeMs(leaseMs), wholeMs(leaseMs + graceMs)];
}

function wholeMs(ms: number): number {
  return Math.max(1, Math.ceil(ms));
}

function tokenOf({ token }: Owned): readonly Argument[] {
  return [token];
}

function tokenAndResult({ token, result }: Owned): readonly Argument[] {
  return [token, result === undefined ? '0' : Buffer.concat([Buffer.from('1'), result])];
}

function isYes(answer: Buffer): boolean {
  return answer[0] === 49;
}

function toClaimResult(answer: Buffer, token: string): ClaimResult {
  const kind = String.fromCharCode(answer[0] ?? 0);
  if (kind === 'c') return { state: 'claimed', token };
  if (kind === 'b') return { state: 'busy', retryInMs: Number(answer.toString('latin1', 1)) };
  return isYes(answer.subarray(1)) ? { state: 'done', result: new Uint8Array(answer.subarray(2)) } : { state: 'done' };
}
