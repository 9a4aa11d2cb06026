const smallest = 16;
const largestKept = 1024;

/** A first-in first-out list on one array: no `shift()`, whose cost grows with the backlog. */
export class Ring<Item> {
  #slots: (Item | undefined)[] = emptySlots();
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  peek(): Item | undefined {
    return this.#slots[this.#head];
  }

  push(item: Item): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = item;
    this.#size += 1;
  }

  shift(): Item | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size -= 1;
    if (this.#size === 0 && this.#slots.length > largestKept) this.clear();
    return item;
  }

  clear(): void {
    this.#slots = emptySlots();
    this.#head = 0;
    this.#size = 0;
  }

  /** Oldest first. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (let index = 0; index < this.#size; index += 1) {
      yield this.#slots[(this.#head + index) & (this.#slots.length - 1)] as Item;
    }
  }

  #grow(): void {
    const old = this.#slots;
    const slots = old.slice(this.#head);
    for (let index = 0; index < this.#head; index += 1) slots.push(old[index]);
    for (let index = old.length; index > 0; index -= 1) slots.push(undefined);
    this.#slots = slots;
    this.#head = 0;
  }
}

function emptySlots(): undefined[] {
  return Array.from({ length: smallest }, () => undefined);
}
