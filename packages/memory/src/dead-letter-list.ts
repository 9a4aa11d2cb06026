import type { StoredMessage } from './stored-message.ts';

/** One dead letter: a `DeadLetterStore`'s ref. Its failure record is among the message's wire fields. */
export class StoredLetter {
  readonly number: number;
  readonly message: StoredMessage;
  isGone = false;

  constructor(number: number, message: StoredMessage) {
    this.number = number;
    this.message = message;
  }
}

/** The dead letters of one group, oldest first. */
export class DeadLetterList {
  #letters: StoredLetter[] = [];
  #added = 0;
  #removed = 0;

  get size(): number {
    return this.#letters.length - this.#removed;
  }

  add(message: StoredMessage): void {
    this.#added += 1;
    this.#letters.push(new StoredLetter(this.#added, message));
  }

  /** At most `limit` letters whose number is above `after`. */
  page(after: number, limit: number): readonly StoredLetter[] {
    const page: StoredLetter[] = [];
    for (let index = this.#indexAfter(after); index < this.#letters.length && page.length < limit; index += 1) {
      const letter = this.#letters[index];
      if (letter !== undefined && !letter.isGone) page.push(letter);
    }
    return page;
  }

  remove(letter: StoredLetter): void {
    letter.isGone = true;
    this.#removed += 1;
    if (this.#removed * 2 > this.#letters.length) this.#compact();
  }

  #compact(): void {
    this.#letters = this.#letters.filter((letter) => !letter.isGone);
    this.#removed = 0;
  }

  #indexAfter(number: number): number {
    let low = 0;
    let high = this.#letters.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const letter = this.#letters[middle];
      if (letter !== undefined && letter.number <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
