/** What is asked together: put items in, remember their places, and find their answers there. */
export interface Turn<Item, Answer> {
  readonly items: Item[];
  readonly answer: Promise<Answer>;
}

/** What callers ask of a store in one turn of the event loop is asked in one call: ten handlers cost one round trip. */
export class OneCallATurn<Item, Answer> {
  readonly #call: (items: readonly Item[]) => Promise<Answer>;
  #turn: Turn<Item, Answer> | undefined;

  constructor(call: (items: readonly Item[]) => Promise<Answer>) {
    this.#call = call;
  }

  /** The one that is being gathered. */
  get turn(): Turn<Item, Answer> {
    return (this.#turn ??= this.#gather());
  }

  #gather(): Turn<Item, Answer> {
    const items: Item[] = [];
    return { items, answer: this.#flush(items) };
  }

  async #flush(items: readonly Item[]): Promise<Answer> {
    // The others of this turn come before what has been put off.
    await Promise.resolve();
    this.#turn = undefined;
    return this.#call(items);
  }
}
