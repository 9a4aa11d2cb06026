import type { Clock, ReceiveOptions } from '@anymq/core/driver';
import type { Connection, Reader } from './client.ts';
import { decodeEntry, decodeHeld } from './encoding.ts';
import { isMissingGroup } from './errors.ts';
import type { Keys } from './keys.ts';
import type { Cursor, Lane } from './lane.ts';
import type { Lanes } from './lanes.ts';
import type { Membership } from './membership.ts';
import { readLanes } from './scripts/lanes.ts';

export interface LaneReaderOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly keys: Keys;
  readonly streams: readonly string[];
  readonly membership: Membership;
  readonly lanes: Lanes;
  /** A member has come: the partitions are to be shared anew. */
  readonly onOutdated: () => void;
}

type FoundEntry = readonly [id: Buffer, fields: readonly Uint8Array[] | null, starts: Buffer, held: Uint8Array | null];
type Found = readonly [stream: number, isOurs: Buffer, pending: number, ...entries: FoundEntry[]];

/**
 * Reads the partitions that a member owns: one script for all of them, which checks the ownership. A blocking read beside it,
 * which takes nothing, tells when there is something new.
 */
export class LaneReader {
  readonly #options: LaneReaderOptions;
  readonly #reader: Reader;
  #watch: { readonly on: string; readonly ended: Promise<void> } | undefined;
  #largest = 1;

  constructor(options: LaneReaderOptions) {
    this.#options = options;
    this.#reader = options.membership.reader;
  }

  /** What there is comes into the lanes, in order: first what is pending. */
  async read(lanes: readonly Lane[], { maxMessages, maxBytes }: ReceiveOptions): Promise<void> {
    if (lanes.length === 0) return;
    const { connection, keys, streams, membership } = this.#options;
    const most = Math.max(1, Math.min(maxMessages, Math.floor(maxBytes / this.#largest)));
    const share = Math.max(1, Math.ceil(most / lanes.length));
    const args = lanes.flatMap(({ partition, epoch, cursors }) => [
      partition,
      epoch,
      cursors.length,
      ...cursors.flatMap(({ stream, after }) => [stream, stream, after, share]),
    ]);
    try {
      const head = [membership.name, keys.group];
      const found = await connection.runBuffer(readLanes, [keys.owners, keys.notes, ...streams], [...head, ...args]);
      const [members, ...rows] = found as readonly [Buffer, ...Found[]];
      this.#admit(lanes, rows, share);
      if (this.#options.lanes.isOutdated(members.toString())) this.#options.onOutdated();
    } catch (error) {
      // Whatever it took is pending: it is read again before anything new.
      for (const lane of lanes) lane.reread();
      if (!isMissingGroup(error)) throw error;
      await membership.ensureGroup();
    }
  }

  /** Resolves when there may be something new in these lanes, after a while, or when `woken` does. Rejects without a connection. */
  async wait(lanes: readonly Lane[], woken: Promise<void>): Promise<void> {
    const cursors = lanes.flatMap((lane) => lane.cursors);
    // What is pending is read at once.
    if (cursors.some(({ after }) => after !== '>')) return;
    const on = cursors
      .map(({ key, lastId }) => `${key} ${lastId}`)
      .toSorted()
      .join(' ');
    if (this.#watch !== undefined && this.#watch.on !== on) {
      await this.#reader.interrupt();
      return Promise.race([this.#watch?.ended, woken]);
    }
    if (this.#watch === undefined && cursors.length > 0) this.#watch = { on, ended: this.#watchFor(cursors) };
    return Promise.race([this.#watch?.ended ?? woken, woken]);
  }

  async close(): Promise<void> {
    this.#reader.close();
    // It fails, because its connection was closed; whoever waited for it was told in `wait`.
    await this.#watch?.ended.catch(() => undefined);
  }

  async #watchFor(cursors: readonly Cursor[]): Promise<void> {
    const keys = cursors.map(({ key }) => key);
    const ids = cursors.map(({ lastId }) => lastId);
    try {
      await this.#reader.read('xread', 'count', 1, 'block', this.#reader.blockMs, 'streams', ...keys, ...ids);
    } finally {
      this.#watch = undefined;
    }
  }

  #admit(lanes: readonly Lane[], found: readonly Found[], count: number): void {
    const cursors = lanes.flatMap((lane) => lane.cursors.map((cursor) => ({ lane, cursor })));
    for (const [index, [, isOurs, pending, ...entries]] of found.entries()) {
      const place = cursors[index];
      if (place === undefined || this.#options.lanes.get(place.lane.partition) !== place.lane) continue;
      if (isOurs.toString() === '0') this.#options.lanes.lose([place.lane]);
      else this.#admitEntries(place.lane, place.cursor, { entries, pending, count });
    }
  }

  #admitEntries(
    lane: Lane,
    cursor: Cursor,
    read: { readonly entries: readonly FoundEntry[]; readonly pending: number; readonly count: number },
  ): void {
    const isNew = cursor.after === '>';
    const nowMs = this.#options.clock.now();
    const place = { destination: this.#options.keys.base, partition: lane.partition, isOrdered: true, nowMs };
    for (const [idBytes, fields, starts, held] of read.entries) {
      if (fields === null) continue;
      const id = idBytes.toString();
      const { message, isForeign, bytes } = decodeEntry({ id, fields }, place);
      this.#largest = Math.max(bytes, this.#largest * 0.9);
      lane.add({
        stream: cursor.stream,
        id,
        bytes,
        isForeign,
        message,
        crashCount: Number(starts.toString()),
        isSuspect: !isNew && lane.isSuspect,
        wasDelivered: !isNew,
        held: decodeHeld(held),
      });
    }
    const last = read.entries.at(-1)?.[0].toString();
    if (isNew) cursor.lastId = last ?? cursor.lastId;
    else cursor.after = read.pending < read.count || last === undefined ? '>' : last;
  }
}
