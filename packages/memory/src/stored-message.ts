import type { FailureRecord, SettleResult } from '@anymq/core/driver';
import type { Subscription } from './subscription.ts';

/** A message as the broker keeps it: wire fields and body bytes. Shared by the groups of a topic; never changed once appended. */
export class StoredMessage {
  readonly id: string;
  /** Name, value, name, value …: what `WireFormat.encode` made. */
  readonly fields: readonly string[];
  readonly slab: Uint8Array;
  readonly start: number;
  readonly length: number;
  /** Body, key and headers. */
  readonly bytes: number;
  readonly key: string | undefined;
  readonly priority: number;
  /** Milliseconds since 1970; 0: at once. */
  readonly visibleAt: number;
  /** Milliseconds since 1970; 0: never. Small numbers, unlike times, cost no object each. */
  readonly expiresAt: number;
  /** Set when a destination takes it. */
  partition = 0;
  storedAt = 0;

  constructor(
    id: string,
    fields: readonly string[],
    slab: Uint8Array,
    start: number,
    length: number,
    bytes: number,
    key: string | undefined,
    priority: number,
    visibleAt: number,
    expiresAt: number,
  ) {
    this.id = id;
    this.fields = fields;
    this.slab = slab;
    this.start = start;
    this.length = length;
    this.bytes = bytes;
    this.key = key;
    this.priority = priority;
    this.visibleAt = visibleAt;
    this.expiresAt = expiresAt;
  }
}

/** One group's copy of a message, from its arrival until it is handled. */
export class Entry {
  readonly message: StoredMessage;
  /** A retry copy or a redriven letter: `seek` leaves it alone. */
  readonly isCopy: boolean;
  /** Its place in the group's order; -1 until it first waits. */
  place = -1;
  /** When it began to wait: milliseconds since 1970. */
  since = 0;
  wasDelivered = false;
  isSuspect = false;
  crashCount = 0;
  /** By `recordHeld`; 0: what the message says. */
  heldAttempt = 0;
  heldUntil: number | undefined = undefined;
  heldFailure: FailureRecord | undefined = undefined;

  constructor(message: StoredMessage, isCopy: boolean) {
    this.message = message;
    this.isCopy = isCopy;
  }
}

/** One hand-over of an entry to a receiver: the driver's token. Linked into the hand of its subscription. */
export class DeliveryToken {
  readonly entry: Entry;
  readonly holder: Subscription;
  /** When the lease ends: milliseconds since 1970. */
  deadline: number;
  isStarted = false;
  /** Once settled or lost: what every later settle answers. */
  result: SettleResult | undefined = undefined;
  previous: DeliveryToken | undefined = undefined;
  next: DeliveryToken | undefined = undefined;

  constructor(entry: Entry, holder: Subscription, deadline: number) {
    this.entry = entry;
    this.holder = holder;
    this.deadline = deadline;
  }
}
