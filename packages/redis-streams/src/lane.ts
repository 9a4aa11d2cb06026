import type { Received, WireMessage } from '@anymq/core/driver';
import { Delivery } from './delivery.ts';
import { type HeldRecord, millisecondsOf } from './encoding.ts';

/** An entry of a partition that is pending under our name: in core's hands, or kept to be handed out (again). */
export interface LaneEntry {
  readonly stream: number;
  readonly id: string;
  readonly bytes: number;
  readonly isForeign: boolean;
  readonly message: WireMessage;
  crashCount: number;
  isSuspect: boolean;
  wasDelivered: boolean;
  held: HeldRecord | undefined;
}

/** Where reading a stream has got to. */
export interface Cursor {
  /** Number of the stream, from 1. */
  readonly stream: number;
  readonly key: string;
  /** The id after which pending entries are still to be read; '>': there are none, only new ones. */
  after: string;
  /** No entry up to here is new. */
  lastId: string;
}

/** A partition that this member owns. */
export class Lane {
  readonly partition: number;
  readonly epoch: string;
  readonly cursors: readonly Cursor[];
  /** The owner before did not give it up: what is pending may have killed it. */
  readonly isSuspect: boolean;
  /** By our clock; renewed with every heartbeat. */
  leaseUntil: number;
  /** It is to be given up as soon as nothing of it is in hand. */
  isRevoking = false;
  /** In core's hands. */
  readonly hand: Map<Delivery, LaneEntry> = new Map();
  /** In the order of their ids, all of them before what is still to be read. */
  #kept: LaneEntry[] = [];
  readonly #known = new Set<string>();

  constructor(
    partition: number,
    epoch: string,
    cursors: readonly Cursor[],
    options: { readonly isSuspect: boolean; readonly leaseUntil: number },
  ) {
    this.partition = partition;
    this.epoch = epoch;
    this.cursors = cursors;
    this.isSuspect = options.isSuspect;
    this.leaseUntil = options.leaseUntil;
  }

  get kept(): readonly LaneEntry[] {
    return this.#kept;
  }

  /** False for one that is here already. */
  add(entry: LaneEntry): boolean {
    const name = `${entry.stream}:${entry.id}`;
    if (this.#known.has(name)) return false;
    this.#known.add(name);
    this.#keep(entry);
    return true;
  }

  /** The next one, to core. */
  handOver(deadline: number): Received | undefined {
    const entry = this.#kept.shift();
    if (entry === undefined) return undefined;
    const { stream, id, bytes, isForeign, held, message } = entry;
    const delivery = new Delivery({ stream, id, partition: this.partition }, bytes, isForeign, deadline);
    delivery.received = {
      ...message,
      token: delivery,
      attempt: held?.attempt ?? message.attempt,
      failure: held?.failure ?? message.failure,
      heldUntil: held?.heldUntil,
      crashCount: entry.crashCount,
      suspect: entry.isSuspect,
      redelivered: entry.wasDelivered || message.redelivered === true,
    };
    this.hand.set(delivery, entry);
    return delivery.received;
  }

  /** The message is gone for good, or back in its place. */
  end(delivery: Delivery, { isReleased }: { readonly isReleased: boolean }): void {
    const entry = this.hand.get(delivery);
    if (entry === undefined) return;
    this.hand.delete(delivery);
    if (!isReleased) {
      this.#known.delete(`${entry.stream}:${entry.id}`);
      return;
    }
    entry.wasDelivered = true;
    entry.isSuspect = false;
    entry.crashCount = 0;
    this.#keep(entry);
  }

  /** What was read may not have arrived: everything that is pending is looked at again. */
  reread(): void {
    for (const cursor of this.cursors) cursor.after = '0';
  }

  #keep(entry: LaneEntry): void {
    let at = this.#kept.length;
    while (at > 0 && isAfter(this.#kept[at - 1] as LaneEntry, entry)) at -= 1;
    this.#kept.splice(at, 0, entry);
  }
}

function isAfter(a: LaneEntry, b: LaneEntry): boolean {
  const difference = millisecondsOf(a.id) - millisecondsOf(b.id) || sequenceOf(a.id) - sequenceOf(b.id);
  return difference === 0 ? a.stream > b.stream : difference > 0;
}

function sequenceOf(id: string): number {
  return Number(id.slice(id.indexOf('-') + 1));
}
