import { Heap } from './heap.ts';
import { Ring } from './ring.ts';
import type { Entry } from './stored-message.ts';

/** Waiting entries in the order of their places; what was given back stands where it stood before. */
class ReadyList {
  readonly #fresh = new Ring<Entry>();
  readonly #returned = new Heap<Entry>((a, b) => a.place < b.place);

  get size(): number {
    return this.#fresh.size + this.#returned.size;
  }

  /** Its place is after all others'. */
  push(entry: Entry): void {
    this.#fresh.push(entry);
  }

  giveBack(entry: Entry): void {
    this.#returned.push(entry);
  }

  peek(): Entry | undefined {
    const returned = this.#returned.peek();
    const fresh = this.#fresh.peek();
    if (returned === undefined) return fresh;
    return fresh === undefined || returned.place <= fresh.place ? returned : fresh;
  }

  shift(): void {
    if (this.#returned.size > 0 && this.peek() === this.#returned.peek()) this.#returned.pop();
    else this.#fresh.shift();
  }

  entries(): Entry[] {
    return [...this.#returned.values(), ...this.#fresh].sort((a, b) => a.place - b.place);
  }

  clear(): void {
    this.#fresh.clear();
    this.#returned.removeWhere(() => true);
  }
}

/** What waits in one partition: higher priority first, then by place. On an ordered destination by place alone: priority would break the order of a key. */
export class WaitingLane {
  readonly #levels: (ReadyList | undefined)[] = [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ];
  readonly #isOrdered: boolean;
  /** Bit n: something waits at priority n. */
  #occupied = 0;

  constructor(isOrdered: boolean) {
    this.#isOrdered = isOrdered;
  }

  push(entry: Entry): void {
    this.#listOf(entry).push(entry);
  }

  giveBack(entry: Entry): void {
    this.#listOf(entry).giveBack(entry);
  }

  peek(): Entry | undefined {
    return this.#occupied === 0 ? undefined : this.#levels[31 - Math.clz32(this.#occupied)]?.peek();
  }

  shift(): void {
    const level = 31 - Math.clz32(this.#occupied);
    const list = this.#levels[level];
    if (list === undefined) return;
    list.shift();
    if (list.size === 0) this.#occupied &= ~(1 << level);
  }

  /** In the order of their places within a priority. */
  entries(): Entry[] {
    return this.#levels.flatMap((list) => list?.entries() ?? []);
  }

  /** When the oldest began to wait. */
  oldestSince(): number | undefined {
    const times = this.#levels.map((list) => list?.peek()?.since ?? Infinity);
    const oldest = Math.min(...times);
    return oldest === Infinity ? undefined : oldest;
  }

  /** Puts `entries`, which are in order, in place of all. */
  replace(entries: readonly Entry[]): void {
    for (const list of this.#levels) list?.clear();
    this.#occupied = 0;
    for (const entry of entries) this.push(entry);
  }

  #listOf(entry: Entry): ReadyList {
    const priority = this.#isOrdered ? 0 : entry.message.priority;
    this.#occupied |= 1 << priority;
    return (this.#levels[priority] ??= new ReadyList());
  }
}
