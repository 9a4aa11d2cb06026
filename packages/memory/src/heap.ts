/** A binary min-heap. `isBefore` is a strict order. */
export class Heap<Item> {
  readonly #isBefore: (a: Item, b: Item) => boolean;
  readonly #items: Item[] = [];

  constructor(isBefore: (a: Item, b: Item) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): Item | undefined {
    return this.#items[0];
  }

  /** All items, in no order. */
  values(): readonly Item[] {
    return this.#items;
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1, item);
  }

  pop(): Item | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (first !== undefined && last !== undefined && this.#items.length > 0) this.#sink(last);
    return first;
  }

  /** Linear: for what is rare. */
  removeWhere(isRemoved: (item: Item) => boolean): void {
    const kept = this.#items.filter((item) => !isRemoved(item));
    this.#items.length = 0;
    for (const item of kept) this.push(item);
  }

  #rise(from: number, item: Item): void {
    const items = this.#items;
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = items[parentIndex] as Item;
      if (!this.#isBefore(item, parent)) break;
      items[index] = parent;
      index = parentIndex;
    }
    items[index] = item;
  }

  #sink(item: Item): void {
    const items = this.#items;
    let index = 0;
    for (;;) {
      const child = this.#smallerChild(index);
      if (child === -1 || !this.#isBefore(items[child] as Item, item)) break;
      items[index] = items[child] as Item;
      index = child;
    }
    items[index] = item;
  }

  #smallerChild(index: number): number {
    const left = 2 * index + 1;
    const right = left + 1;
    const items = this.#items;
    if (left >= items.length) return -1;
    return right < items.length && this.#isBefore(items[right] as Item, items[left] as Item) ? right : left;
  }
}
