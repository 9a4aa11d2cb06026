import type {
  Address,
  DriverTransaction,
  HeldMessage,
  Received,
  ReceiveOptions,
  Receiver,
  ReceiverOptions,
  Settlement,
  SettleResult,
  Token,
} from '@anymq/core/driver';
import { type Link, openLinks } from './client.ts';
import { leadersOf } from './cluster-calls.ts';
import { Delivery } from './delivery.ts';
import type { DriverContext } from './driver-context.ts';
import { decodeRecord } from './encoding.ts';
import { classifyError, KafkaDriverError } from './errors.ts';
import { Holdings } from './holdings.ts';
import { namesOf } from './names.ts';
import type { Part } from './part.ts';
import type { Entry, PartitionLog } from './partition-log.ts';
import { Router } from './sender.ts';
import { Settling } from './settling.ts';
import type { Share } from './share.ts';
import { createTransaction } from './transaction.ts';
import { Wakeup } from './wakeup.ts';

/** How long a receive waits, at the most. */
const receiveMs = 10_000;
/** How long trouble that may pass by itself lasts before a receive tells of it. */
const patienceMs = 5000;
/** More than core waits for in process. */
const lateHopMs = 500;
const firstJoinMs = 2500;

/** A member of the group. It may take a while until it is given partitions. */
export async function createReceiver(
  context: DriverContext,
  from: Address,
  options: ReceiverOptions,
): Promise<KafkaReceiver> {
  const { link, factory, clock, logger, namespace } = context;
  const { main } = namesOf(namespace, from);
  if ((await leadersOf(link, main, clock)) === undefined)
    throw new KafkaDriverError('NOT_FOUND', `The topic ${main} does not exist.`);
  const links = await openLinks(factory, logger);
  const receiver = new KafkaReceiver(context, from, options, links);
  await receiver.start();
  return receiver;
}

export class KafkaReceiver implements Receiver {
  readonly #context: DriverContext;
  readonly #from: Address;
  readonly #isOrdered: boolean;
  readonly #main: string;
  readonly #holdings: Holdings;
  readonly #settling: Settling;
  readonly #wakeup: Wakeup;
  readonly #router: Router;
  /** Of each part that fails: since when, and why. */
  readonly #troubles = new Map<Part, { readonly since: number; readonly error: unknown }>();
  #closing: Promise<void> | undefined;

  constructor(context: DriverContext, from: Address, options: ReceiverOptions, links: readonly [Link, Link]) {
    const names = namesOf(context.namespace, from);
    this.#context = context;
    this.#router = new Router(context);
    this.#from = from;
    this.#isOrdered = from.ordering === 'key';
    this.#main = names.main;
    this.#wakeup = new Wakeup(context.clock);
    this.#holdings = new Holdings({
      context,
      names,
      links,
      options,
      trimsMain: from.kind === 'queue' && from.retentionMs === undefined,
      onRecords: () => this.#wakeup.wake(),
      onRetreated: () => this.#evacuate(),
      onTrouble: (part, error) => this.#onTrouble(part, error),
    });
    this.#settling = new Settling({ context, names, holdings: this.#holdings, isOrdered: this.#isOrdered });
  }

  start(): Promise<void> {
    return this.#holdings.start(firstJoinMs);
  }

  async receive({ signal, maxMessages, maxBytes, pausedPartitions }: ReceiveOptions): Promise<readonly Received[]> {
    const { clock } = this.#context;
    const until = clock.now() + receiveMs;
    while (!signal.aborted && this.#closing === undefined && clock.now() < until) {
      const taken = this.#take(maxMessages, maxBytes, pausedPartitions);
      if (taken.length > 0) return this.#handOut(taken, signal);
      this.#tellTrouble();
      await this.#wakeup.wait(Math.min(until, this.#nextAt()), signal);
    }
    return [];
  }

  /** From the partitions in turn, beginning with the one that has waited longest. */
  #take(maxMessages: number, maxBytes: number, paused: ReadonlySet<number> | undefined): Delivery[] {
    const now = this.#context.clock.now();
    const taken: Delivery[] = [];
    let bytes = 0;
    let turn = this.#places(paused, now);
    while (turn.length > 0 && taken.length < maxMessages) {
      const next: typeof turn = [];
      for (const place of turn) {
        if (taken.length >= maxMessages) break;
        const entry = place.log.take(now, taken.length === 0 ? Infinity : maxBytes - bytes);
        if (entry === undefined) continue;
        bytes += entry.bytes;
        taken.push(this.#deliver(place.share, entry, now));
        next.push(place);
      }
      turn = next;
    }
    if (taken.length > 0) this.#holdings.fetchMore();
    return taken;
  }

  #places(
    paused: ReadonlySet<number> | undefined,
    now: number,
  ): { readonly share: Share; readonly log: PartitionLog; readonly since: number }[] {
    const places = [];
    for (const share of this.#holdings.receiving(paused)) {
      for (const log of share.logs.values()) {
        const since = log.waitingSince(now);
        if (since !== undefined) places.push({ share, log, since });
      }
    }
    return places.toSorted((a, b) => a.since - b.since);
  }

  #deliver(share: Share, entry: Entry, nowMs: number): Delivery {
    const { log } = entry;
    const { topic, partition } = log;
    const message = decodeRecord(entry.record, { destination: this.#from.name, topic, partition, nowMs });
    const delivery = new Delivery(entry, message);
    const held = log.heldAs(entry);
    message.token = delivery;
    message.crashCount = log.timesStarted(entry);
    if (log.isSuspect(entry)) message.suspect = message.redelivered = true;
    if (this.#isOrdered) {
      message.partition = partition;
      // Sent with a delay, and due before anybody read it: its place is behind what came until then, not where it was sent.
      if (topic === this.#main && (message.dueAt ?? Infinity) <= nowMs) message.dueAt = nowMs + lateHopMs;
    }
    if (held !== undefined) {
      message.attempt = held.attempt;
      message.heldUntil = held.heldUntil;
      if (held.failure !== undefined)
        message.failure = { destination: this.#from.name, group: this.#from.group, ...held.failure };
    }
    share.out.add(delivery);
    return delivery;
  }

  /** A successor has to know what may have been running, before it runs. */
  async #handOut(taken: readonly Delivery[], signal: AbortSignal): Promise<readonly Received[]> {
    const reserved = this.#holdings.reserve(taken);
    if (reserved !== undefined && !(await this.#unlessAborted(reserved, signal))) {
      this.#settling.putBack(taken);
      if (!signal.aborted && this.#closing === undefined) this.#tellTrouble();
      return [];
    }
    // Meanwhile the group may have asked for their partitions: these are not begun any more.
    const staying = new Set([...this.#holdings.receiving(undefined)].map(({ partition }) => partition));
    this.#settling.putBack(taken.filter(({ entry }) => !staying.has(entry.log.partition)));
    return taken.filter(({ result }) => result === undefined).map(({ message }) => message);
  }

  async #unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<boolean> {
    const aborted = Promise.withResolvers<boolean>();
    const onAbort = (): void => aborted.resolve(false);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const done = work.then(
      () => true,
      (error: unknown) => {
        this.#onTrouble('reserving', error);
        return false;
      },
    );
    try {
      return await Promise.race([done, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #nextAt(): number {
    let next = Infinity;
    for (const { since } of this.#troubles.values()) next = Math.min(next, since + patienceMs);
    for (const share of this.#holdings.receiving(undefined))
      for (const log of share.logs.values()) next = Math.min(next, log.nextAt);
    return next;
  }

  #onTrouble(part: Part, error: unknown): void {
    if (error === undefined) this.#troubles.delete(part);
    else if (!this.#troubles.has(part)) {
      this.#troubles.set(part, { since: this.#context.clock.now(), error });
      this.#wakeup.wake();
    }
  }

  /** Core shows it as `recovering`, and asks again; or ends the consumer, when no repetition helps. */
  #tellTrouble(): void {
    const now = this.#context.clock.now();
    for (const [part, { since, error }] of this.#troubles) {
      if (classifyError(error).retryable && now - since < patienceMs) continue;
      this.#troubles.delete(part);
      throw error;
    }
  }

  async markStarted(tokens: readonly Token[]): Promise<void> {
    const deliveries = tokens.filter(isOpen);
    for (const { entry } of deliveries) entry.log.start(entry);
    await this.#holdings.commit(deliveries);
  }

  async recordHeld(held: readonly HeldMessage[]): Promise<void> {
    const open = held.filter(({ token }) => isOpen(token));
    for (const { token, attempt, heldUntil, failure } of open) {
      const { entry } = token as Delivery;
      const { name = 'Error', message = '', attempts = attempt, firstFailedAt = 0, lastFailedAt = 0 } = failure ?? {};
      const short = { name, message: message.slice(0, 60), attempts, firstFailedAt, lastFailedAt };
      entry.log.hold(entry, { attempt, heldUntil, ...(failure === undefined ? {} : { failure: short }) });
    }
    await this.#holdings.commit(open.map(({ token }) => token as Delivery));
  }

  /** The lease is the membership: it is renewed by heartbeats, however long handlers take. */
  async extendLease(_tokens: readonly Token[]): Promise<void> {
    if (!this.#holdings.isAlive) throw new KafkaDriverError('NOT_CONNECTED', 'The group does not answer.');
  }

  async beginTransaction(tokens: readonly Token[]): Promise<DriverTransaction> {
    const { transactions } = this.#holdings;
    const deliveries = tokens.filter(isOpen);
    if (transactions === undefined)
      throw new KafkaDriverError('UNSUPPORTED', 'The receiver was not opened for transactions.');
    if (deliveries.length < tokens.length)
      throw new KafkaDriverError('FENCED', 'A message of the transaction is no longer ours.');
    return createTransaction(this.#context.namespace, this.#router, transactions, deliveries);
  }

  retreat(): void {
    this.#holdings.retreat();
  }

  async settleBatch(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    const results = await this.#settling.settle(items);
    if (this.#holdings.isRetreating) this.#evacuate();
    return results;
  }

  /** Of a retreating member: what was fetched and cannot leave with its partition, because something runs there, leaves alone. */
  #evacuate(): void {
    if (this.#isOrdered || this.#closing !== undefined) return;
    const now = this.#context.clock.now();
    const stuck: Settlement[] = [];
    for (const share of this.#holdings.blocked()) {
      for (const log of share.logs.values()) {
        for (let entry = log.take(now, Infinity); entry !== undefined; entry = log.take(now, Infinity))
          stuck.push({ token: this.#deliver(share, entry, now), outcome: { kind: 'release', delayMs: 0 } });
      }
    }
    if (stuck.length > 0) void this.#settling.giveBack(stuck);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#wakeup.wake();
    await this.#holdings.close();
  }
}

function isOpen(token: Token): token is Delivery {
  return token instanceof Delivery && token.result === undefined && !token.entry.log.isLost;
}
