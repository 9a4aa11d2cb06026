import { createHash, randomBytes } from 'node:crypto';
import {
  DeleteItemCommand,
  type DeleteItemCommandInput,
  GetItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { AnymqError, type Claim, type ClaimResult, type IdempotencyStore } from '@anymq/core';
import { answerWithin, claimDistinct } from '@anymq/core/driver';
import type { DynamodbClient } from './create-dynamodb-store.ts';
import { type Item, standingOf, timesOf } from './items.ts';
import { type Command, ServerClock } from './server-clock.ts';

export interface DynamodbStoreSettings {
  readonly client: DynamodbClient;
  readonly table: string;
  readonly prefix: string;
  readonly timeoutMs: number;
}

interface Owned extends Claim {
  readonly result?: Uint8Array | undefined;
}

/** An item has at most 400 KiB, its key and the names of its attributes included. */
const maxResultBytes = 400_000;
const ours = '#token = :token AND attribute_not_exists(done)';
const claimed = 'SET #token = :token, #until = :until, expires = :expires REMOVE done, #result';
/** What an answer's date can tell. */
const slackMs = 1000;
const names = { '#token': 'token', '#until': 'until' };

export class DynamodbStore implements IdempotencyStore {
  readonly #settings: DynamodbStoreSettings;
  /** A name of this store's, and a number: short, and nobody else's. */
  readonly #name = randomBytes(9).toString('base64url');
  readonly #clock = new ServerClock();
  #calls = 0;
  #closed = false;

  constructor(settings: DynamodbStoreSettings) {
    this.#settings = settings;
  }

  /** All keys of a call have one token, which no other call has. */
  claim(keys: readonly string[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly ClaimResult[]> {
    const token = `${this.#name}${(this.#calls += 1).toString(36)}`;
    const claimOne = (key: string): Promise<ClaimResult> => this.#claimOne(key, token, leaseMs);
    return claimDistinct(keys, leaseMs, (distinct) => this.#each(distinct, claimOne));
  }

  extend(claims: readonly Claim[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly boolean[]> {
    return this.#each(claims, ({ key, token }) =>
      this.#inTime(async (now) => {
        const set = 'SET #until = :until, expires = :expires';
        const values = { ...timesOf(now, leaseMs), ':token': { S: token } };
        return (await this.#update(key, set, ours, values)) === undefined;
      }),
    );
  }

  complete(claims: readonly Owned[], { retentionMs }: { readonly retentionMs: number }): Promise<readonly boolean[]> {
    return this.#each(claims, async ({ key, token, result }) => {
      if (result !== undefined && result.byteLength > maxResultBytes)
        throw new AnymqError('TOO_LARGE', `DynamoDB keeps results of at most ${maxResultBytes} bytes.`);
      const set = 'SET done = :done, #until = :until, expires = :expires';
      const held = await this.#update(key, result === undefined ? set : `${set}, #result = :result`, ours, {
        ...timesOf(this.#clock.now(), retentionMs),
        ...(result === undefined ? {} : { ':result': { B: result } }),
        ':done': { BOOL: true },
        ':token': { S: token },
      });
      // Again, of what it has completed: as before.
      return held === undefined || (held['done']?.BOOL === true && held['token']?.S === token);
    });
  }

  async release(claims: readonly Claim[]): Promise<void> {
    await this.#each(claims, async ({ key, token }) => {
      const input: DeleteItemCommandInput = {
        ...this.#where(key),
        ConditionExpression: ours,
        ExpressionAttributeNames: { '#token': 'token' },
        ExpressionAttributeValues: { ':token': { S: token } },
      };
      await this.#refused(key, this.#send(new DeleteItemCommand(input)), false);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Before the first answer the time is not known, and nobody's claim is taken over. */
  async #claimOne(key: string, token: string, leaseMs: number): Promise<ClaimResult> {
    const clock = this.#clock;
    const claimAt = (from: number, free: number): Promise<Item | undefined> =>
      this.#update(key, claimed, `attribute_not_exists(id) OR #until <= :now OR (${ours})`, {
        ...timesOf(from, leaseMs),
        ':now': { N: String(free) },
        ':token': { S: token },
      });
    const wasKnown = clock.isKnown;
    let held = await this.#inTime((now) => claimAt(now, wasKnown ? now : 0));
    if (held !== undefined && !wasKnown) held = await claimAt(clock.now(), clock.now());
    return held === undefined ? { state: 'claimed', token } : standingOf(held, clock.now());
  }

  /** Once more where the answer tells that the clock was wrong: a lease that was written by it may have ended already. */
  async #inTime<T>(work: (now: number) => Promise<T>): Promise<T> {
    const clock = this.#clock;
    const { aheadMs } = clock;
    const answer = await work(clock.now());
    return Math.abs(clock.aheadMs - aheadMs) <= slackMs ? answer : work(clock.now());
  }

  /** Undefined when it was done; otherwise what stands there. */
  #update(key: string, set: string, condition: string, values: Item): Promise<Item | undefined> {
    const used = set.includes('#result') ? { ...names, '#result': 'result' } : names;
    const input: UpdateItemCommandInput = {
      ...this.#where(key),
      UpdateExpression: set,
      ConditionExpression: condition,
      ExpressionAttributeNames: used,
      ExpressionAttributeValues: { ...values },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    };
    return this.#refused(key, this.#send(new UpdateItemCommand(input)), true);
  }

  async #refused(key: string, change: Promise<unknown>, asks: boolean): Promise<Item | undefined> {
    try {
      await change;
      this.#clock.isKnown = true;
      return undefined;
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ConditionalCheckFailedException') throw error;
      this.#clock.isKnown = true;
      if (!asks) return {};
      return (error as { readonly Item?: Item }).Item ?? (await this.#read(key));
    }
  }

  /** For a server that does not say what made the condition fail. */
  async #read(key: string): Promise<Item> {
    const answer = await this.#send(new GetItemCommand({ ...this.#where(key), ConsistentRead: true }));
    return (answer as { readonly Item?: Item }).Item ?? {};
  }

  #send(command: Command): Promise<unknown> {
    this.#clock.listenTo(command);
    return this.#settings.client.send(command);
  }

  #where(key: string): { readonly TableName: string; readonly Key: Record<string, { S: string }> } {
    const { table, prefix } = this.#settings;
    return { TableName: table, Key: { id: { S: prefix + columnKey(key) } } };
  }

  /** Conditions are of one item each: as many calls as there are keys, at once. */
  async #each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
    if (this.#closed)
      throw new AnymqError('CLOSED', 'The idempotency store is closed. Close it after its consumers have stopped.');
    return answerWithin(this.#settings.timeoutMs, 'DynamoDB', Promise.all(items.map(work)));
  }
}

/** A key of a table has at most 2,048 bytes. */
function columnKey(key: string): string {
  if (key.length <= 512 && key.isWellFormed()) return key;
  return `sha256:${createHash('sha256').update(key, 'utf16le').digest('hex')}`;
}
