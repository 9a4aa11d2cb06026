import type { DeliveryToken } from './stored-message.ts';

/** The unsettled deliveries of one receiver, in the order in which their leases end. Every operation but a walk costs the same. */
export class Hand {
  #first: DeliveryToken | undefined;
  #last: DeliveryToken | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): DeliveryToken | undefined {
    return this.#first;
  }

  /** Its lease ends no earlier than any other's. */
  append(token: DeliveryToken): void {
    token.previous = this.#last;
    if (this.#last === undefined) this.#first = token;
    else this.#last.next = token;
    this.#last = token;
    this.#size += 1;
  }

  remove(token: DeliveryToken): void {
    const { previous, next } = token;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    token.previous = undefined;
    token.next = undefined;
    this.#size -= 1;
  }

  *[Symbol.iterator](): IterableIterator<DeliveryToken> {
    for (let token = this.#first; token !== undefined;) {
      const following = token.next;
      yield token;
      token = following;
    }
  }
}
