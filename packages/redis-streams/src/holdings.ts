import {
  lost,
  type Received,
  type ReceiveOptions,
  type ReceiverOptions,
  settled,
  type Settlement,
  type SettleResult,
  takeFitting,
  type Token,
} from '@anymq/core/driver';
import { Delivery, isDelivery } from './delivery.ts';
import type { DriverContext } from './driver-context.ts';
import { decodeEntry, type StoredEntry } from './encoding.ts';
import type { Keys } from './keys.ts';
import { fetchOwn, reconcile, renew, takeOver } from './scripts/members.ts';
import { note, settleShared } from './scripts/settling.ts';
import { encodeSettlements, openItems, type SettleLayout } from './settlement.ts';

export interface HoldingsOptions {
  readonly context: DriverContext;
  readonly receiving: ReceiverOptions;
  readonly keys: Keys;
  readonly member: string;
  readonly layout: SettleLayout;
}

/** How an entry came to us. */
export interface Origin {
  readonly isAgain: boolean;
  readonly isSuspect: boolean;
  readonly crashCount: number;
}

export const justRead: Origin = { isAgain: false, isSuspect: false, crashCount: 0 };
const foundAgain: Origin = { isAgain: true, isSuspect: false, crashCount: 0 };

type Open = ReturnType<typeof openItems>;
type Entry = readonly [id: Buffer, fields: readonly Uint8Array[]];
type Taken = readonly [stream: number, id: Buffer, fields: readonly Uint8Array[], isOwn: Buffer, starts: Buffer];

const pageSize = 500;

/**
 * What a member of an unordered group has pending under its name. Whoever takes something of it over ends its generation: then
 * settles and renewals do nothing until it has found out what is still its own.
 */
export class Holdings {
  readonly streams: readonly string[];
  readonly #options: HoldingsOptions;
  /** In core's hands, by stream and id. */
  readonly #hand = new Map<string, Delivery>();
  /** Read beyond what was asked for, found again, or taken over: handed out next. */
  #buffer: Delivery[] = [];
  #generation = '';
  #reconciling: Promise<void> | undefined;
  #largest = 1;

  constructor(options: HoldingsOptions) {
    this.#options = options;
    this.streams = [...options.keys.streams, ...options.keys.retries];
  }

  get buffered(): number {
    return this.#buffer.length;
  }

  /** Of the larger ones lately, in bytes. */
  get largest(): number {
    return this.#largest;
  }

  /** What is known already came twice: in a reply that was late, and by looking for what is pending. */
  keep(stream: number, entry: StoredEntry, { isAgain, isSuspect, crashCount }: Origin): void {
    const name = `${stream}:${entry.id}`;
    if (this.#hand.has(name) || (isAgain && this.#buffer.some((each) => each.name === name))) return;
    const { keys, receiving, context } = this.#options;
    const nowMs = context.clock.now();
    const place = { destination: keys.base, partition: 0, isOrdered: false, nowMs };
    const { message, isForeign, bytes } = decodeEntry(entry, place);
    const delivery = new Delivery({ stream, id: entry.id, partition: 0 }, bytes, isForeign, nowMs + receiving.leaseMs);
    message.token = delivery;
    message.crashCount = crashCount;
    if (isSuspect) message.suspect = true;
    if (isAgain) message.redelivered = true;
    delivery.received = message;
    this.#largest = Math.max(bytes, this.#largest * 0.9);
    this.#buffer.push(delivery);
  }

  handOut({ maxMessages, maxBytes }: ReceiveOptions): readonly Received[] {
    const taken = takeFitting(this.#buffer, maxMessages, maxBytes);
    for (const delivery of taken) this.#hand.set(delivery.name, delivery);
    return taken.map(({ received }) => received as Received);
  }

  async markStarted(tokens: readonly Token[]): Promise<void> {
    const open = tokens.filter((token) => this.#isOurs(token));
    if (open.length === 0) return;
    const { context, keys } = this.#options;
    await context.connection.run(note, [keys.notes], ['m', ...open.flatMap(({ name }) => [name, '1'])]);
    for (const delivery of open) delivery.isMarked = true;
  }

  async extend(tokens: readonly Token[]): Promise<void> {
    const deliveries = tokens.filter(isDelivery);
    const gone = deliveries.filter(({ result }) => result === lost);
    if (gone.length > 0) this.#options.receiving.onLost(gone, 'expired');
    await this.#renew(deliveries.filter(({ result }) => result === undefined));
  }

  /** What waits here for core. */
  renewBuffered(): Promise<void> {
    return this.#renew(this.#buffer);
  }

  async settle(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    for (let tries = 0; tries < 3; tries += 1) {
      const open = openItems(items, (token): token is Delivery => this.#isOurs(token));
      if (open.length === 0 || (await this.#settle(open))) break;
      await this.reconcile({ fetches: false });
    }
    return items.map(({ token }) => this.#resultOf(token));
  }

  /** What was not handed out, and with `all` what was. False: the generation has ended, and it stays pending. */
  async giveBack({ all }: { readonly all: boolean }): Promise<boolean> {
    const given = all ? [...this.#buffer, ...this.#hand.values()] : this.#buffer;
    this.#buffer = [];
    if (given.length === 0) return true;
    return this.#settle(given.map((delivery) => ({ delivery, outcome: { kind: 'release', delayMs: 0 } as const })));
  }

  /** Takes what nobody has renewed for a lease, of others or of ourselves. */
  async takeOver(maxMessages: number): Promise<void> {
    const { context, keys, member, receiving } = this.#options;
    const args = [member, keys.group, receiving.leaseMs, maxMessages];
    const scriptKeys = [keys.generations, keys.notes, keys.alive, ...this.streams];
    const rows = (await context.connection.runBuffer(takeOver, scriptKeys, args)) as readonly Taken[];
    for (const [stream, idBytes, fields, isOwn, starts] of rows) {
      const id = idBytes.toString();
      // Of our own: core has given it up, or we were frozen.
      const wasDeath = isOwn.toString() === '0';
      this.#lose([`${stream}:${id}`]);
      const crashCount = wasDeath ? Number(starts.toString()) : 0;
      this.keep(stream, { id, fields }, { isAgain: true, isSuspect: wasDeath, crashCount });
    }
  }

  /** Finds out what is still ours: what is not is lost, and with `fetches` what we never saw is handed out. One at a time. */
  reconcile({ fetches }: { readonly fetches: boolean }): Promise<void> {
    const earlier = this.#reconciling;
    if (earlier !== undefined && !fetches) return earlier;
    // Whoever asked for the earlier one is told when it fails.
    const now = (earlier ?? Promise.resolve()).catch(() => undefined).then(() => this.#reconcile(fetches));
    this.#reconciling = now;
    return now.finally(() => {
      if (this.#reconciling === now) this.#reconciling = undefined;
    });
  }

  async #settle(open: Open): Promise<boolean> {
    const { context, keys, member, layout } = this.#options;
    const args = [member, this.#generation, keys.group, ...encodeSettlements(open, layout, context.clock.now())];
    const scriptKeys = [keys.meta, keys.notes, keys.groupDelayed, keys.dead, keys.generations, ...this.streams];
    if ((await context.connection.run(settleShared, scriptKeys, args)) === 0) return false;
    for (const { delivery } of open) {
      delivery.result ??= settled;
      if (this.#hand.get(delivery.name) === delivery) this.#hand.delete(delivery.name);
    }
    return true;
  }

  async #renew(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const { context, keys, member } = this.#options;
    const byStream = this.streams.map((_, index) => deliveries.filter(({ stream }) => stream === index + 1));
    const lists = byStream.flatMap((list, index) =>
      list.length === 0 ? [] : [index + 1, list.length, ...list.map(({ id }) => id)],
    );
    const args = [member, this.#generation, keys.group, ...lists];
    const answer = await context.connection.run(renew, [keys.generations, ...this.streams], args);
    if (answer === 0) {
      await this.reconcile({ fetches: false });
      return this.#renew(deliveries.filter(({ result }) => result === undefined));
    }
    for (const [stream, ...ids] of answer as readonly (readonly [number, ...string[]])[]) {
      this.#lose(ids.map((id) => `${stream}:${id}`));
    }
  }

  async #reconcile(fetches: boolean): Promise<void> {
    const { context, keys, member } = this.#options;
    const answer = await context.connection.run(reconcile, [keys.generations, ...this.streams], [member, keys.group]);
    const [generation, ...pending] = answer as readonly [string, ...string[][]];
    const ours = new Set(pending.flatMap((ids, index) => ids.map((id) => `${index + 1}:${id}`)));
    this.#buffer = this.#buffer.filter(({ name }) => ours.has(name));
    this.#lose([...this.#hand.keys()].filter((name) => !ours.has(name)));
    this.#generation = generation;
    if (!fetches) return;
    const known = new Set([...this.#hand.keys(), ...this.#buffer.map(({ name }) => name)]);
    for (const [index, ids] of pending.entries()) {
      await this.#fetchOwn(
        index + 1,
        ids.filter((id) => !known.has(`${index + 1}:${id}`)),
      );
    }
  }

  async #fetchOwn(stream: number, ids: readonly string[]): Promise<void> {
    const { context, keys, member } = this.#options;
    for (let from = 0; from < ids.length; from += pageSize) {
      const args = [member, keys.group, ...ids.slice(from, from + pageSize)];
      const entries = await context.connection.runBuffer(fetchOwn, [this.streams[stream - 1] ?? ''], args);
      for (const [id, fields] of entries as readonly Entry[]) {
        this.keep(stream, { id: id.toString(), fields }, foundAgain);
      }
    }
  }

  #lose(names: readonly string[]): void {
    const gone = names.flatMap((name) => this.#hand.get(name) ?? []);
    for (const delivery of gone) {
      delivery.result = lost;
      this.#hand.delete(delivery.name);
    }
    if (gone.length > 0) this.#options.receiving.onLost(gone, 'expired');
  }

  #isOurs(token: unknown): token is Delivery {
    return isDelivery(token) && this.#hand.get(token.name) === token;
  }

  #resultOf(token: Token): SettleResult {
    if (!isDelivery(token)) return lost;
    return token.result ?? (this.#isOurs(token) ? { ok: false, reason: 'error' } : lost);
  }
}
