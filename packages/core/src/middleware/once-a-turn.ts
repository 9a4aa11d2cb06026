export interface Failure {
  readonly error: unknown;
}

/** What callers ask for in one turn of the event loop is asked for in one call: ten handlers cost one round trip. */
export class OnceATurn<Item> {
  readonly #call: (items: readonly Item[]) => Promise<void>;
  #items: Item[] = [];
  readonly #onError: (error: unknown) => void;
  #called: Promise<Failure | undefined> | undefined;

  /** The call writes what it learns into the items. Of its failure `onError` hears once, however many have asked. */
  constructor(call: (items: readonly Item[]) => Promise<void>, onError: (error: unknown) => void) {
    this.#call = call;
    this.#onError = onError;
  }

  /** Never rejects. */
  ask(item: Item): Promise<Failure | undefined> {
    this.#items.push(item);
    return (this.#called ??= this.#flush());
  }

  async #flush(): Promise<Failure | undefined> {
    // The others of this turn come before what has been put off.
    await Promise.resolve();
    const items = this.#items;
    this.#items = [];
    this.#called = undefined;
    try {
      await this.#call(items);
      return undefined;
    } catch (error) {
      this.#onError(error);
      return { error };
    }
  }
}
