import {
  type Address,
  type HeldMessage,
  lost,
  type Received,
  type ReceiveOptions,
  type Receiver,
  type ReceiverOptions,
  settled,
  type Settlement,
  type SettleResult,
  type Token,
} from '@anymq/core/driver';
import { type Delivery, isDelivery } from './delivery.ts';
import type { DriverContext } from './driver-context.ts';
import { encodeHeld } from './encoding.ts';
import { nameOf } from './errors.ts';
import { keysOf, type Keys } from './keys.ts';
import type { Lane } from './lane.ts';
import { LaneReader } from './lane-reader.ts';
import { Lanes } from './lanes.ts';
import type { Membership } from './membership.ts';
import { note, settleLanes } from './scripts/settling.ts';
import { encodeSettlements, openItems, type SettleLayout } from './settlement.ts';
import { Ticker } from './ticker.ts';
import { createTidying } from './tidying.ts';
import { Wakeup } from './wakeup.ts';

type Open = ReturnType<typeof openItems>;

/** A receive comes back with nothing after so long. */
const waitMs = 10_000;
/** What others give up is taken so soon. */
const lackingBeatMs = 100;

/**
 * A member of a group on an ordered destination: it alone reads the partitions that it owns. What is released stays pending at
 * the server and is kept here, in its place; whoever owns the partition next begins with what is pending.
 */
export class LaneReceiver implements Receiver {
  readonly #context: DriverContext;
  readonly #options: ReceiverOptions;
  readonly #keys: Keys;
  readonly #membership: Membership;
  readonly #streams: readonly string[];
  readonly #layout: SettleLayout;
  readonly #tidy: () => Promise<void>;
  readonly #ticker: Ticker;
  readonly #lanes: Lanes;
  readonly #reader: LaneReader;
  readonly #wakeup = new Wakeup();
  #turn = 0;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  private constructor(context: DriverContext, from: Address, options: ReceiverOptions, membership: Membership) {
    const keys = keysOf(context.namespace, from);
    const isTopic = from.kind === 'topic';
    this.#context = context;
    this.#options = options;
    this.#keys = keys;
    this.#membership = membership;
    this.#streams = [...keys.streams, ...keys.retries];
    this.#layout = { deletes: (stream) => !isTopic || stream > keys.partitions, releaseTo: (stream) => stream };
    const { connection, clock } = context;
    this.#lanes = new Lanes({
      connection,
      clock,
      keys,
      member: membership.name,
      leaseMs: options.leaseMs,
      onLost: (lanes) => this.#onLost(lanes),
      onRevoking: (lanes) => options.onRevoking?.(lanes.flatMap(({ hand }) => [...hand.keys()])),
    });
    this.#reader = new LaneReader({
      connection,
      clock,
      keys,
      streams: this.#streams,
      membership,
      lanes: this.#lanes,
      onOutdated: () => this.#ticker.beatSoon(0),
    });
    // The one member of the streams is whoever owns the partition: there is none to remove.
    const isTrimmed = isTopic && from.retentionMs === undefined;
    this.#tidy = createTidying(context, { keys, isTrimmed, deadAfterMs: Number.MAX_SAFE_INTEGER });
    const everyMs = Math.min(500, Math.max(200, options.leaseMs / 5));
    this.#ticker = new Ticker(context, { keys, isTopic, beat: () => this.#beat(), everyMs });
  }

  static async open(
    context: DriverContext,
    from: Address,
    options: ReceiverOptions,
    membership: Membership,
  ): Promise<LaneReceiver> {
    const receiver = new LaneReceiver(context, from, options, membership);
    await receiver.#beat();
    receiver.#ticker.start();
    return receiver;
  }

  async receive(options: ReceiveOptions): Promise<readonly Received[]> {
    const { signal } = options;
    const { clock } = this.#context;
    const endAt = clock.now() + waitMs;
    const wake = (): void => this.#wakeup.wake();
    const timer = clock.setTimeout(wake, waitMs);
    signal.addEventListener('abort', wake, { once: true });
    try {
      while (!this.#isClosed && !signal.aborted && clock.now() < endAt) {
        const taken = await this.#take(options);
        if (taken.length > 0) return taken;
        if (!this.#isClosed && !signal.aborted) await this.#reader.wait(this.#readable(options), this.#wakeup.next());
      }
      return [];
    } finally {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', wake);
    }
  }

  async markStarted(tokens: readonly Token[]): Promise<void> {
    const open = tokens.filter((token): token is Delivery => this.#isOurs(token) && !token.isMarked);
    if (open.length === 0) return;
    const args = ['m', ...open.flatMap(({ name }) => [name, '1'])];
    await this.#context.connection.run(note, [this.#keys.notes], args);
    for (const delivery of open) delivery.isMarked = true;
  }

  async recordHeld(held: readonly HeldMessage[]): Promise<void> {
    const open = held.flatMap((item) => (this.#isOurs(item.token) ? [{ item, delivery: item.token }] : []));
    if (open.length === 0) return;
    for (const { item, delivery } of open) {
      const entry = this.#lanes.get(delivery.partition)?.hand.get(delivery);
      const { attempt, heldUntil, failure } = item;
      if (entry !== undefined) entry.held = { attempt, heldUntil, failure };
    }
    const args = ['h', ...open.flatMap(({ item, delivery }) => [delivery.name, encodeHeld(item)])];
    await this.#context.connection.run(note, [this.#keys.notes], args);
  }

  /** The partition's lease is renewed by heartbeats; of a message only our own clock counts. */
  async extendLease(tokens: readonly Token[]): Promise<void> {
    this.#lanes.expire();
    const deadline = this.#context.clock.now() + this.#options.leaseMs;
    const deliveries = tokens.filter(isDelivery);
    for (const delivery of deliveries) if (delivery.result === undefined) delivery.deadline = deadline;
    const gone = deliveries.filter(({ result }) => result === lost);
    if (gone.length > 0) this.#options.onLost(gone, 'expired');
  }

  async settleBatch(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    const open = openItems(items, (token): token is Delivery => this.#isOurs(token));
    await this.#settle(open);
    for (const { delivery, outcome } of open) {
      if (delivery.result !== undefined) continue;
      delivery.result = settled;
      this.#lanes.get(delivery.partition)?.end(delivery, { isReleased: outcome.kind === 'release' });
      if (outcome.kind === 'retry') this.#ticker.hasten(outcome.dueAt);
    }
    this.#wakeup.wake();
    // What fails here is done by the next heartbeat, which tells the logger when it fails too.
    await this.#lanes.giveUpEmpty().catch(() => undefined);
    return items.map(({ token }) => (isDelivery(token) ? (token.result ?? lost) : lost));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #isOurs(token: unknown): token is Delivery {
    return isDelivery(token) && this.#lanes.get(token.partition)?.hand.has(token) === true;
  }

  /** At the server; a release changes nothing there, save that the message is no longer marked as started. */
  async #settle(open: Open): Promise<void> {
    const ended = open.filter(({ outcome }) => outcome.kind !== 'release');
    const unmarked = open.filter(({ delivery, outcome }) => outcome.kind === 'release' && delivery.isMarked);
    if (ended.length + unmarked.length === 0) return;
    const { connection, clock } = this.#context;
    const { meta, notes, groupDelayed, dead, owners, group, partitions } = this.#keys;
    const lanes = [
      ...new Set([...ended, ...unmarked].flatMap(({ delivery }) => this.#lanes.get(delivery.partition) ?? [])),
    ];
    const fences = lanes.flatMap(({ partition, epoch }) => [partition, epoch]);
    const unmarks = unmarked.flatMap(({ delivery: { stream, id } }) => ['unmark', stream, id, '0', 0, 0, '', 0]);
    const head = [this.#membership.name, group, partitions, lanes.length, ...fences];
    const args = [...head, ...encodeSettlements(ended, this.#layout, clock.now()), ...unmarks];
    const gone = await connection.run(settleLanes, [meta, notes, groupDelayed, dead, owners, ...this.#streams], args);
    const isGone = (lane: Lane): boolean => (gone as readonly number[]).includes(lane.partition);
    this.#lanes.lose(lanes.filter((lane) => isGone(lane) && this.#lanes.get(lane.partition) === lane));
  }

  async #take(options: ReceiveOptions): Promise<readonly Received[]> {
    this.#lanes.expire();
    this.#expireDeliveries();
    const lanes = this.#readable(options);
    if (lanes.every(({ kept }) => kept.length === 0)) await this.#reader.read(lanes, options);
    return this.#isClosed || options.signal.aborted ? [] : this.#handOut(lanes, options);
  }

  /** Those that may be read now, beginning with another one each time. */
  #readable({ pausedPartitions }: ReceiveOptions): readonly Lane[] {
    const lanes = this.#lanes
      .all()
      .filter((lane) => !lane.isRevoking && pausedPartitions?.has(lane.partition) !== true);
    this.#turn += 1;
    const first = lanes.length === 0 ? 0 : this.#turn % lanes.length;
    return [...lanes.slice(first), ...lanes.slice(0, first)];
  }

  #handOut(lanes: readonly Lane[], { maxMessages, maxBytes }: ReceiveOptions): readonly Received[] {
    const taken: Received[] = [];
    const deadline = this.#context.clock.now() + this.#options.leaseMs;
    let bytesLeft = maxBytes;
    for (const lane of lanes) {
      while (taken.length < maxMessages && this.#mayHandOut(lane)) {
        if (taken.length > 0 && (lane.kept[0]?.bytes ?? 0) > bytesLeft) break;
        bytesLeft -= lane.kept[0]?.bytes ?? 0;
        const received = lane.handOver(deadline);
        if (received !== undefined) taken.push(received);
      }
    }
    return taken;
  }

  /** Also while something was awaited since the lane was chosen. */
  #mayHandOut(lane: Lane): boolean {
    return lane.kept.length > 0 && !lane.isRevoking && this.#lanes.get(lane.partition) === lane;
  }

  /** Core has given some up: everything in hand of their partitions goes back to its place, or it would be overtaken. */
  #expireDeliveries(): void {
    const now = this.#context.clock.now();
    const lanes = this.#lanes.all().filter(({ hand }) => [...hand.keys()].some(({ deadline }) => deadline <= now));
    const gone = lanes.flatMap(({ hand }) => [...hand.keys()]);
    for (const delivery of gone) {
      delivery.result = lost;
      this.#lanes.get(delivery.partition)?.end(delivery, { isReleased: true });
    }
    if (gone.length > 0) this.#options.onLost(gone, 'expired');
  }

  #onLost(lanes: readonly Lane[]): void {
    const gone = lanes.flatMap(({ hand }) => [...hand.keys()]);
    for (const delivery of gone) delivery.result = lost;
    for (const { hand } of lanes) hand.clear();
    if (gone.length > 0) this.#options.onLost(gone, 'revoked');
  }

  async #beat(): Promise<void> {
    const hasNew = await this.#lanes.balance();
    this.#expireDeliveries();
    if (hasNew || this.#lanes.all().some((lane) => this.#mayHandOut(lane))) this.#wakeup.wake();
    if (this.#lanes.isLacking) this.#ticker.beatSoon(lackingBeatMs);
    await this.#tidy();
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#wakeup.wake();
    const { connection, logger } = this.#context;
    try {
      await this.#ticker.close();
      const lanes = this.#lanes.all();
      await this.#lanes.giveUp(lanes);
      for (const { hand } of lanes) for (const delivery of hand.keys()) delivery.result ??= lost;
      await connection.call('zrem', this.#keys.alive, this.#membership.name);
    } catch (error) {
      logger.warn('A receiver could not give its partitions up: they wait for the end of its lease.', {
        destination: this.#keys.base,
        error: nameOf(error),
      });
    } finally {
      await this.#reader.close();
    }
  }
}
