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
    const size = length > largestShared ? length : slabBytes;
    this.#slab = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer, 0, size); // every byte is written before it is read
    this.#used = 0;
  }
}

export interface BodyPlace {
  readonly slab: Uint8Array;
  readonly start: number;
  readonly length: number;
}

/** Private copies, in order. What lies side by side, as it does when it was sent together, is copied together. */
export function copyBodies(places: readonly BodyPlace[], store: BodyStore): Uint8Array[] {
  const copies: Uint8Array[] = [];
  while (copies.length < places.length) copyRun(places, store, copies);
  return copies;
}

function copyRun(places: readonly BodyPlace[], store: BodyStore, copies: Uint8Array[]): void {
  const first = copies.length;
  const { slab, start } = places[first] as BodyPlace;
  let next = first;
  let end = start;
  for (let place = places[next]; place?.slab === slab && place.start === end; place = places[next]) {
    end += place.length;
    next += 1;
  }
  const shift = store.put(slab.subarray(start, end)) - start;
  const { buffer } = store.slab;
  for (let index = first; index < next; index += 1) {
    const place = places[index] as BodyPlace;
    copies.push(new Uint8Array(buffer, place.start + shift, place.length));
  }
}
