const slabBytes = 65_536;
const largestShared = 8192;

/**
 * Copies bodies into slabs, because an array buffer for each costs more than everything else that is done for a small
 * message. A slab lives as long as one of its bodies.
 */
export class BodyStore {
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** The slab of the last `put`. */
  get slab(): Uint8Array {
    return this.#slab;
  }

  /** Copies the bytes. Returns where in `slab` they begin. */
  put(source: Uint8Array): number {
    const { length } = source;
    if (this.#used + length > this.#slab.length) this.#renew(length);
    const start = this.#used;
    this.#slab.set(source, start);
    this.#used += length;
    return start;
  }

  #renew(length: number): void {
    this.#slab = new Uint8Array(length > largestShared ? length : slabBytes);
    this.#used = 0;
  }
}
