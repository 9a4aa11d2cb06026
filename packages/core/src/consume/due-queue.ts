import type { Clock, Timer } from '../clock.ts';
import type { Job } from './job.ts';

interface Entry {
  readonly at: number;
  readonly job: Job;
}

/** Jobs that go on at a time, with one timer for the earliest. A job that is no longer due then is passed over by its owner. */
export class DueQueue {
  readonly #clock: Clock;
  readonly #onDue: (job: Job, at: number) => void;
  /** A binary heap, earliest first. */
  readonly #heap: Entry[] = [];
  #timer: Timer | undefined;
  #armedFor = Infinity;

  constructor(clock: Clock, onDue: (job: Job, at: number) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  add(job: Job, at: number): void {
    const heap = this.#heap;
    let index = heap.length;
    const entry = { at, job };
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((heap[parent] as Entry).at <= at) break;
      heap[index] = heap[parent] as Entry;
      index = parent;
    }
    heap[index] = entry;
    if (at < this.#armedFor) this.#arm();
  }

  clear(): void {
    this.#heap.length = 0;
    this.#clock.clearTimeout(this.#timer);
    this.#armedFor = Infinity;
  }

  #arm(): void {
    this.#clock.clearTimeout(this.#timer);
    const first = this.#heap[0];
    this.#armedFor = first?.at ?? Infinity;
    if (first !== undefined)
      this.#timer = this.#clock.setTimeout(this.#fire, Math.max(0, first.at - this.#clock.now()));
  }

  readonly #fire = (): void => {
    this.#armedFor = Infinity;
    const now = this.#clock.now();
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#removeFirst();
      this.#onDue(first.job, first.at);
    }
    this.#arm();
  };

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as Entry).at < (heap[child] as Entry).at) child++;
      if ((heap[child] as Entry).at >= last.at) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = last;
  }
}
