import { type Address, type HeaderFilter, partitionOf, type PlannedGroup, type SeekTarget } from '@anymq/core/driver';
import { MemoryBrokerError } from './errors.ts';
import { Group } from './group.ts';
import { matchesFilter } from './header-filter.ts';
import { MessageLog, UpcomingMessage } from './message-log.ts';
import type { Runtime } from './runtime.ts';
import type { StoredMessage } from './stored-message.ts';

const queueGroup = '';

/** A queue, which is one group; or a topic, which copies every message to each of its groups. */
export class StoredDestination {
  readonly kind: 'queue' | 'topic';
  /** 0: not ordered. */
  readonly partitions: number;
  /** Infinity for a queue that keeps until handled; undefined on a topic: no history. */
  readonly retentionMs: number | undefined;
  readonly groups: Map<string, Group> = new Map();
  readonly #runtime: Runtime;
  readonly #log: MessageLog | undefined;
  #sent = 0;

  constructor(address: Address, runtime: Runtime) {
    this.kind = address.kind;
    this.partitions = address.ordering === 'key' ? address.partitions : 0;
    this.retentionMs = address.retentionMs;
    this.#runtime = runtime;
    this.#log =
      address.kind === 'topic' && address.retentionMs !== undefined ? new MessageLog(address.retentionMs) : undefined;
    if (address.kind === 'queue') this.groups.set(queueGroup, this.#newGroup(undefined));
  }

  get hasHistory(): boolean {
    return this.#log !== undefined;
  }

  group(name: string | undefined): Group | undefined {
    return this.groups.get(name ?? queueGroup);
  }

  /** 'earliest' takes what the history holds. */
  addGroup({ name, filter, startAt }: PlannedGroup): void {
    const group = this.#newGroup(filter);
    this.groups.set(name, group);
    if (this.#log === undefined || startAt === 'latest') return;
    const nowMs = this.#runtime.clock.now();
    for (const message of this.#log.since(-Infinity, nowMs)) this.#replay(group, message, nowMs);
    for (const message of this.#log.upcoming) {
      if (matchesFilter(message, filter)) group.add(message, { isCopy: false }, nowMs);
    }
  }

  removeGroup(name: string | undefined): void {
    const group = this.group(name);
    if (group === undefined) return;
    this.groups.delete(name ?? queueGroup);
    group.remove();
    for (const member of group.members) member.groupRemoved();
  }

  /** All of them, at once. Returns the offset of the first in the history, where there is one. */
  append(messages: readonly StoredMessage[]): number | undefined {
    const nowMs = this.#runtime.clock.now();
    if (this.partitions > 0) for (const message of messages) message.partition = this.#partitionOf(message);
    const firstOffset = this.#log === undefined ? undefined : this.#appendToLog(this.#log, messages, nowMs);
    for (const group of this.groups.values()) {
      const { filter } = group.options;
      for (const message of messages) {
        if (filter === undefined || matchesFilter(message, filter)) group.add(message, { isCopy: false }, nowMs);
      }
      group.wake(nowMs);
    }
    return firstOffset;
  }

  /** @throws GROUP_ACTIVE while the group has members */
  seek(group: Group, to: SeekTarget): void {
    if (group.members.size > 0)
      throw new MemoryBrokerError('GROUP_ACTIVE', 'The group has members. Stop its consumers first.');
    const nowMs = this.#runtime.clock.now();
    const fromMs = to === 'latest' ? Infinity : to === 'earliest' ? -Infinity : to.getTime();
    // Without a history all that can be had again is what waits.
    if (this.#log === undefined) return group.skipUntil(fromMs);
    const messages = this.#log.since(fromMs, nowMs);
    group.restartFrom(
      messages.filter((message) => matchesFilter(message, group.options.filter)),
      nowMs,
    );
  }

  remove(): void {
    this.#runtime.schedule.removeWhere((item) => item instanceof UpcomingMessage && item.log === this.#log);
    for (const name of this.groups.keys()) this.removeGroup(name);
  }

  #newGroup(filter: HeaderFilter | undefined): Group {
    return new Group({ filter, partitions: this.partitions, retentionMs: this.retentionMs ?? Infinity }, this.#runtime);
  }

  #replay(group: Group, message: StoredMessage, nowMs: number): void {
    if (matchesFilter(message, group.options.filter)) group.replay(message, nowMs);
  }

  #appendToLog(log: MessageLog, messages: readonly StoredMessage[], nowMs: number): number | undefined {
    let first: number | undefined;
    for (const message of messages) {
      if (message.visibleAt > nowMs) {
        log.upcoming.add(message);
        this.#runtime.schedule.add(new UpcomingMessage(message, log));
      } else {
        const offset = log.append(message, nowMs);
        first ??= offset;
      }
    }
    return first;
  }

  /** What has no key is spread evenly. */
  #partitionOf(message: StoredMessage): number {
    if (message.key !== undefined) return partitionOf(message.key, this.partitions);
    this.#sent += 1;
    return this.#sent % this.partitions;
  }
}
