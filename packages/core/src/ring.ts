/** What an emptied queue may keep of its array for the next item. */
const keptSlots = 1024;

/** A first-in, first-out queue in an array: pushes and shifts in constant time, however long it is. */
export class Ring<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  #tail = 0;

  get length(): number {
    return this.#tail - this.#head;
  }

  push(item: T): void {
    this.#items[this.#tail++] = item;
  }

  unshift(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item;
    else {
      this.#items.unshift(item);
      this.#tail++;
    }
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  shift(): T | undefined {
    if (this.#head === this.#tail) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#tail) this.#reset();
    else if (this.#head > keptSlots && this.#head * 2 > this.#tail) this.#fill(this.all());
    return item;
  }

  /** A copy, in order. */
  all(): T[] {
    return this.#items.slice(this.#head, this.#tail) as T[];
  }

  /** Everything, in order; the queue is empty afterwards. */
  takeAll(): T[] {
    const items = this.all();
    this.clear();
    return items;
  }

  /** Forgets the others. Takes as long as the queue is. */
  keep(isKept: (item: T) => boolean): void {
    this.#fill(this.all().filter(isKept));
  }

  clear(): void {
    this.#fill([]);
  }

  #fill(items: T[]): void {
    this.#items = items;
    this.#head = 0;
    this.#tail = items.length;
  }

  /** Of an empty queue, all of whose slots are empty. */
  #reset(): void {
    if (this.#items.length > keptSlots) this.#items = [];
    this.#head = 0;
    this.#tail = 0;
  }
}
