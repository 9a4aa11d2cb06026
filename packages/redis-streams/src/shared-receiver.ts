import type { Address, Receiver, ReceiveOptions, Received, ReceiverOptions, Settlement } from '@anymq/core/driver';
import type { Reader } from './client.ts';
import type { DriverContext } from './driver-context.ts';
import { isMissingGroup, nameOf } from './errors.ts';
import { Holdings, justRead } from './holdings.ts';
import { keysOf, type Keys } from './keys.ts';
import type { Membership } from './membership.ts';
import { heartbeat, leave } from './scripts/members.ts';
import { Ticker } from './ticker.ts';
import { createTidying } from './tidying.ts';
import { Wakeup } from './wakeup.ts';

type Entry = readonly [id: Buffer, fields: readonly Uint8Array[]];
type Reply = readonly (readonly [key: Buffer, entries: readonly Entry[]])[] | null;

const minuteMs = 60_000;
/** A receive comes back with nothing after so long. */
const waitMs = 10_000;
/** Something that was read may not have arrived. */
const unsure = -1;

/**
 * A member of a group on an unordered destination. What it reads is pending at the server under its name, for as long as it
 * renews it; what nobody renews is taken over by a member that has room.
 */
export class SharedReceiver implements Receiver {
  readonly #context: DriverContext;
  readonly #options: ReceiverOptions;
  readonly #keys: Keys;
  readonly #membership: Membership;
  readonly #reader: Reader;
  readonly #holdings: Holdings;
  readonly #ticker: Ticker;
  readonly #tidy: () => Promise<void>;
  readonly #wakeup = new Wakeup();
  /** Of the reader's connection when all that was read had arrived. */
  #connection = unsure;
  #poll: Promise<void> | undefined;
  #waiting: ReceiveOptions | undefined;
  #takeOverAt = 0;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  private constructor(context: DriverContext, from: Address, options: ReceiverOptions, membership: Membership) {
    const keys = keysOf(context.namespace, from);
    const isTopic = from.kind === 'topic';
    this.#context = context;
    this.#options = options;
    this.#keys = keys;
    this.#membership = membership;
    this.#reader = membership.reader;
    this.#holdings = new Holdings({
      context,
      receiving: options,
      keys,
      member: membership.name,
      layout: { deletes: (stream) => !isTopic || stream === 2, releaseTo: () => (isTopic ? 2 : 1) },
    });
    this.#tidy = createTidying(context, {
      keys,
      isTrimmed: isTopic && from.retentionMs === undefined,
      deadAfterMs: Math.max(10 * options.leaseMs, 5 * minuteMs),
    });
    const everyMs = Math.min(10_000, Math.max(250, options.leaseMs / 4));
    this.#ticker = new Ticker(context, { keys, isTopic, beat: () => this.#beat(), everyMs });
  }

  static async open(
    context: DriverContext,
    from: Address,
    options: ReceiverOptions,
    membership: Membership,
  ): Promise<SharedReceiver> {
    const receiver = new SharedReceiver(context, from, options, membership);
    await receiver.#recover();
    await receiver.#beat();
    receiver.#ticker.start();
    return receiver;
  }

  async receive(options: ReceiveOptions): Promise<readonly Received[]> {
    const { signal } = options;
    if (this.#isClosed || signal.aborted) return [];
    this.#waiting = options;
    const abort = (): void => this.#wakeup.wake();
    signal.addEventListener('abort', abort, { once: true });
    const endAt = this.#context.clock.now() + waitMs;
    try {
      do await this.#fill(options);
      while (this.#holdings.buffered === 0 && !this.#isOver(options) && this.#context.clock.now() < endAt);
    } finally {
      signal.removeEventListener('abort', abort);
      this.#waiting = undefined;
      if (this.#poll !== undefined) void this.#reader.interrupt();
    }
    return this.#isClosed ? [] : this.#holdings.handOut(options);
  }

  markStarted(tokens: Parameters<Holdings['markStarted']>[0]): Promise<void> {
    return this.#holdings.markStarted(tokens);
  }

  extendLease(tokens: Parameters<Holdings['extend']>[0]): Promise<void> {
    return this.#holdings.extend(tokens);
  }

  async settleBatch(items: readonly Settlement[]): ReturnType<Holdings['settle']> {
    const results = await this.#holdings.settle(items);
    for (const { outcome } of items) if (outcome.kind === 'retry') this.#ticker.hasten(outcome.dueAt);
    return results;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Until there may be something to hand out, the signal aborts, or a read came back with nothing. */
  async #fill(options: ReceiveOptions): Promise<void> {
    const holdings = this.#holdings;
    await this.#recover();
    if (holdings.buffered > 0 || this.#isOver(options)) return;
    if (this.#context.clock.now() >= this.#takeOverAt) await this.#takeOver(options.maxMessages);
    if (holdings.buffered > 0 || this.#isOver(options)) return;
    const woken = this.#wakeup.next();
    this.#poll ??= this.#read(options);
    await Promise.race([this.#poll, woken]);
  }

  #isOver({ signal }: ReceiveOptions): boolean {
    return signal.aborted || this.#isClosed;
  }

  /** After the connection was lost, or a read failed: what was read and never arrived is fetched again. */
  async #recover(): Promise<void> {
    const { generation } = this.#reader;
    if (this.#connection === generation || this.#poll !== undefined) return;
    await this.#holdings.reconcile({ fetches: true });
    this.#connection = generation;
  }

  async #read({ maxMessages, maxBytes }: ReceiveOptions): Promise<void> {
    const { streams, largest } = this.#holdings;
    const began = this.#context.clock.now();
    const most = Math.floor(maxMessages / streams.length);
    const count = Math.max(1, Math.min(most, Math.floor(maxBytes / largest)));
    const { blockMs } = this.#reader;
    const head = ['group', this.#keys.group, this.#membership.name, 'count', count, 'block', blockMs];
    try {
      const after = streams.map(() => '>');
      const reply = (await this.#reader.read('xreadgroup', ...head, 'streams', ...streams, ...after)) as Reply;
      // A reply that never came: the client gave it up.
      if (reply === null && this.#context.clock.now() - began > blockMs + 1000) this.#connection = unsure;
      this.#keep(reply);
    } catch (error) {
      this.#connection = unsure;
      if (isMissingGroup(error)) await this.#membership.ensureGroup();
      else if (this.#waiting !== undefined) throw error;
    } finally {
      this.#poll = undefined;
    }
    // Nobody waits for what an aborted read brought.
    if (this.#waiting === undefined) await this.#giveBackBuffered();
  }

  #keep(reply: Reply): void {
    for (const [key, entries] of reply ?? []) {
      const stream = this.#holdings.streams.indexOf(key.toString()) + 1;
      for (const [id, fields] of entries) this.#holdings.keep(stream, { id: id.toString(), fields }, justRead);
    }
  }

  async #giveBackBuffered(): Promise<void> {
    try {
      if (!(await this.#holdings.giveBack({ all: false }))) this.#connection = unsure;
    } catch {
      // It stays pending under our name, and is fetched again.
      this.#connection = unsure;
    }
  }

  async #takeOver(maxMessages: number): Promise<void> {
    const { clock, random } = this.#context;
    this.#takeOverAt = clock.now() + (this.#options.leaseMs / 4) * (0.75 + random() / 2);
    await this.#holdings.takeOver(maxMessages);
  }

  async #beat(): Promise<void> {
    const { connection, clock } = this.#context;
    const { alive, meta, group } = this.#keys;
    const lifeMs = Math.max(this.#options.leaseMs, 2000);
    await connection.run(heartbeat, [alive, meta], [this.#membership.name, lifeMs, group]);
    if (this.#holdings.buffered > 0) await this.#holdings.renewBuffered();
    else if (this.#waiting !== undefined && clock.now() >= this.#takeOverAt) {
      await this.#takeOver(this.#waiting.maxMessages);
      if (this.#holdings.buffered > 0) this.#wakeup.wake();
    }
    await this.#tidy();
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#wakeup.wake();
    const { connection, logger } = this.#context;
    const { alive, generations, group, base } = this.#keys;
    try {
      await this.#ticker.close();
      await this.#endPoll();
      await this.#holdings.reconcile({ fetches: true });
      await this.#holdings.giveBack({ all: true });
      await connection.run(leave, [alive, generations, ...this.#holdings.streams], [this.#membership.name, group]);
    } catch (error) {
      logger.warn('A receiver could not give everything back: what it had waits for the end of its lease.', {
        destination: base,
        error: nameOf(error),
      });
    } finally {
      this.#reader.close();
    }
  }

  async #endPoll(): Promise<void> {
    for (let poll = this.#poll; poll !== undefined; poll = this.#poll) {
      await this.#reader.interrupt();
      await poll.catch(() => undefined);
    }
  }
}
