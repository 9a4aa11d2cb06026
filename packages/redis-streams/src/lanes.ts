import type { Clock } from '@anymq/core/driver';
import type { Connection } from './client.ts';
import type { Keys } from './keys.ts';
import { Lane } from './lane.ts';
import { balance, giveUp, positions } from './scripts/lanes.ts';

export interface LanesOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly keys: Keys;
  readonly member: string;
  readonly leaseMs: number;
  /** No longer ours, without having been given up. */
  readonly onLost: (lanes: readonly Lane[]) => void;
  /** To be given up when nothing of them is in hand any more. */
  readonly onRevoking: (lanes: readonly Lane[]) => void;
}

type Balance = readonly [
  taken: readonly (readonly [partition: number, epoch: string, clean: string])[],
  held: readonly (readonly [partition: number, epoch: string])[],
  surplus: number,
  members: string,
];

/** The partitions that this member owns, kept by heartbeats that also share them out among the members. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<number, Lane>();
  #lacking = 0;
  #members = '';

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  all(): readonly Lane[] {
    return [...this.#lanes.values()];
  }

  get(partition: number): Lane | undefined {
    return this.#lanes.get(partition);
  }

  /** Its share is not complete: others have yet to give up theirs. */
  get isLacking(): boolean {
    return this.#lacking > 0;
  }

  /** Whether a member has come since the last heartbeat. */
  isOutdated(members: string): boolean {
    return members !== this.#members;
  }

  /** Renews the leases, takes what is free, announces what is to move. Resolves with true when there are new ones. */
  async balance(): Promise<boolean> {
    const { connection, clock, keys, member, leaseMs } = this.#options;
    const leaseUntil = clock.now() + leaseMs;
    const answer = await connection.run(
      balance,
      [keys.alive, keys.owners, keys.meta],
      [member, leaseMs, keys.partitions, keys.group],
    );
    const [taken, held, surplus, members] = answer as Balance;
    this.#lacking = Math.max(0, -surplus);
    this.#members = members;
    const epochs = new Map(held);
    this.lose(this.all().filter((lane) => epochs.get(lane.partition) !== lane.epoch));
    for (const lane of this.#lanes.values()) lane.leaseUntil = leaseUntil;
    // The reply that gave us these was lost on the way: nobody knows whether we read any of it.
    const forgotten = held
      .filter(([partition]) => !this.#lanes.has(partition))
      .map(([partition, epoch]) => [partition, epoch, '1'] as const);
    await this.#open([...taken, ...forgotten], leaseUntil);
    this.#revoke(Math.max(0, surplus));
    await this.giveUpEmpty();
    return taken.length + forgotten.length > 0;
  }

  /** Leases that have run out by our own clock. */
  expire(): void {
    const now = this.#options.clock.now();
    this.lose(this.all().filter(({ leaseUntil }) => leaseUntil <= now));
  }

  lose(lanes: readonly Lane[]): void {
    for (const { partition } of lanes) this.#lanes.delete(partition);
    if (lanes.length > 0) this.#options.onLost(lanes);
  }

  /** Lanes that are to move, and of which nothing is in hand. */
  async giveUpEmpty(): Promise<void> {
    await this.giveUp(this.all().filter(({ isRevoking, hand }) => isRevoking && hand.size === 0));
  }

  async giveUp(lanes: readonly Lane[]): Promise<void> {
    if (lanes.length === 0) return;
    for (const { partition } of lanes) this.#lanes.delete(partition);
    const { connection, keys, member } = this.#options;
    await connection.run(
      giveUp,
      [keys.owners],
      [member, ...lanes.flatMap(({ partition, epoch }) => [partition, epoch])],
    );
  }

  async #open(taken: Balance[0], leaseUntil: number): Promise<void> {
    if (taken.length === 0) return;
    const { connection, keys } = this.#options;
    const placed = taken.map(([partition]) => streamsOf(keys, partition));
    const last = (await connection.run(
      positions,
      placed.flatMap((streams) => streams.map(({ key }) => key)),
      [keys.group],
    )) as readonly string[];
    let index = 0;
    for (const [place, [partition, epoch, clean]] of taken.entries()) {
      const cursors = (placed[place] ?? []).map(({ stream, key }) => ({
        stream,
        key,
        after: '0',
        lastId: last[index++] ?? '0-0',
      }));
      this.#lanes.set(partition, new Lane(partition, epoch, cursors, { isSuspect: clean !== '1', leaseUntil }));
    }
  }

  #revoke(surplus: number): void {
    const staying = this.all().filter(({ isRevoking }) => !isRevoking);
    const leaving = this.#lanes.size - staying.length;
    if (surplus <= leaving) return this.#keepSome(leaving - surplus);
    const moving = staying.toSorted((a, b) => a.hand.size - b.hand.size).slice(0, surplus - leaving);
    for (const lane of moving) lane.isRevoking = true;
    this.#options.onRevoking(moving.filter(({ hand }) => hand.size > 0));
  }

  /** A member that was to get some is gone: core has been told, but what it gives back may be handed out here again. */
  #keepSome(count: number): void {
    for (const lane of this.all()
      .filter(({ isRevoking }) => isRevoking)
      .slice(0, count))
      lane.isRevoking = false;
  }
}

export function streamsOf(
  { streams, retries, partitions }: Keys,
  partition: number,
): { readonly stream: number; readonly key: string }[] {
  const own = { stream: partition + 1, key: streams[partition] ?? '' };
  if (retries.length === 0) return [own];
  return [own, { stream: partitions + partition + 1, key: retries[partition] ?? '' }];
}
