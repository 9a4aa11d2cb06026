import type { Group } from './group.ts';
import type { DeliveryToken } from './stored-message.ts';
import type { Subscription } from './subscription.ts';

/** One partition: read by its owner alone, so that a key is in the hands of one member at a time. */
interface Partition {
  readonly number: number;
  owner: Subscription | undefined;
  /** Gets it as soon as the owner holds nothing of it any more. Meanwhile the owner is given nothing new. */
  heir: Subscription | undefined;
  inHand: number;
}

const none: readonly number[] = [];

/**
 * Spreads the partitions of an ordered group evenly over its members, moving as few as it can. A partition that moves is
 * announced to its owner (`onRevoking`), and handed over when all its deliveries are settled or their leases have run out:
 * a handler whose lease is renewed is never interrupted by a member that joins.
 */
export class Assignment {
  readonly #partitions: readonly Partition[];
  readonly #group: Group;
  readonly #members: Subscription[] = [];
  #turn = 0;

  constructor(partitions: number, group: Group) {
    this.#group = group;
    this.#partitions = Array.from({ length: partitions }, (_, number) => ({
      number,
      owner: undefined,
      heir: undefined,
      inHand: 0,
    }));
  }

  isMember(subscription: Subscription): boolean {
    return this.#members.includes(subscription);
  }

  join(member: Subscription): void {
    if (this.isMember(member)) return;
    this.#members.push(member);
    this.#rebalance();
  }

  /** The member's deliveries are back already. */
  leave(member: Subscription): void {
    const index = this.#members.indexOf(member);
    if (index === -1) return;
    this.#members.splice(index, 1);
    for (const partition of this.#partitions) {
      if (partition.heir === member) this.#keep(partition);
      if (partition.owner === member) this.#pass(partition, partition.heir);
    }
    this.#rebalance();
    this.#group.wake(this.#group.runtime.clock.now());
  }

  /** The partitions that this member may read now, beginning with another one each time. */
  readable(member: Subscription, paused: ReadonlySet<number> | undefined): readonly number[] {
    const readable: number[] = [];
    for (const { number, owner, heir } of this.#partitions) {
      if (owner === member && heir === undefined && paused?.has(number) !== true) readable.push(number);
    }
    if (readable.length < 2) return readable.length === 0 ? none : readable;
    this.#turn += 1;
    const first = this.#turn % readable.length;
    return [...readable.slice(first), ...readable.slice(0, first)];
  }

  handed(partition: number): void {
    this.#at(partition).inHand += 1;
  }

  /** A delivery of it was settled, given back or lost. */
  released(number: number): void {
    const partition = this.#at(number);
    partition.inHand -= 1;
    if (partition.inHand > 0 || partition.heir === undefined) return;
    this.#pass(partition, partition.heir);
    this.#group.wake(this.#group.runtime.clock.now());
  }

  #at(number: number): Partition {
    return this.#partitions[number] as Partition;
  }

  #rebalance(): void {
    if (this.#members.length === 0) return;
    const loads = new Map(this.#members.map((member) => [member, 0]));
    for (const { owner, heir } of this.#partitions) count(loads, heir ?? owner, 1);
    for (const partition of this.#partitions) {
      if (partition.owner === undefined) count(loads, this.#give(partition, loads), 1);
    }
    if (this.#members.every((member) => member.options.isScaleOut)) this.#level(loads);
  }

  /** To the member with the least; without scale-out to the first, for whom the others stand by. */
  #give(partition: Partition, loads: ReadonlyMap<Subscription, number>): Subscription {
    const isScaleOut = this.#members.every((member) => member.options.isScaleOut);
    const owner = isScaleOut ? leastLoaded(loads) : (this.#members[0] as Subscription);
    this.#pass(partition, owner);
    return owner;
  }

  #level(loads: Map<Subscription, number>): void {
    const revoked = new Map<Subscription, DeliveryToken[]>();
    for (;;) {
      const least = leastLoaded(loads);
      const most = mostLoaded(loads);
      if ((loads.get(most) ?? 0) - (loads.get(least) ?? 0) < 2) break;
      this.#move(this.#movable(most), least, revoked);
      count(loads, most, -1);
      count(loads, least, 1);
    }
    for (const [owner, tokens] of revoked) owner.announceRevocation(tokens);
  }

  /** One that costs no waiting, where there is one. */
  #movable(from: Subscription): Partition {
    const candidates = this.#partitions.filter(({ owner, heir }) => (heir ?? owner) === from);
    return (candidates.find(({ inHand, heir }) => inHand === 0 || heir !== undefined) ?? candidates[0]) as Partition;
  }

  #move(partition: Partition, heir: Subscription, revoked: Map<Subscription, DeliveryToken[]>): void {
    const { owner } = partition;
    if (owner === heir) return this.#keep(partition);
    if (owner === undefined || partition.inHand === 0) return this.#pass(partition, heir);
    const isAnnounced = partition.heir !== undefined;
    partition.heir = heir;
    if (isAnnounced) return;
    const tokens = owner.tokensOf(partition.number);
    revoked.set(owner, [...(revoked.get(owner) ?? []), ...tokens]);
  }

  #keep(partition: Partition): void {
    partition.heir = undefined;
  }

  #pass(partition: Partition, to: Subscription | undefined): void {
    partition.owner = to;
    this.#keep(partition);
  }
}

function count(loads: Map<Subscription, number>, member: Subscription | undefined, change: number): void {
  if (member !== undefined) loads.set(member, (loads.get(member) ?? 0) + change);
}

function leastLoaded(loads: ReadonlyMap<Subscription, number>): Subscription {
  return [...loads].reduce((best, entry) => (entry[1] < best[1] ? entry : best))[0];
}

function mostLoaded(loads: ReadonlyMap<Subscription, number>): Subscription {
  return [...loads].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}
