import { Ring } from '../ring.ts';
import type { SendEntry } from './send-entry.ts';

interface KeyState {
  /** Ready to be taken into a batch. */
  queued: number;
  inFlight: number;
  readonly waiting: Ring<SendEntry>;
}

/**
 * What may be sent next. Messages of one key keep their order: while one is in flight, the others wait; where a batch
 * may succeed in part, a batch holds one message of a key.
 */
export class KeyGate {
  readonly ready: Ring<SendEntry> = new Ring();
  readonly #keys = new Map<string, KeyState>();
  readonly #onePerBatch: boolean;

  constructor(onePerBatch: boolean) {
    this.#onePerBatch = onePerBatch;
  }

  add(entry: SendEntry): void {
    const { key } = entry.message;
    if (key === undefined) return this.ready.push(entry);
    let state = this.#keys.get(key);
    if (state === undefined) this.#keys.set(key, (state = { queued: 0, inFlight: 0, waiting: new Ring() }));
    this.#admit(state, entry);
  }

  /** Of an entry that was shifted from `ready`. */
  take(entry: SendEntry): void {
    if (entry.holdsKey || entry.message.key === undefined) return;
    const state = this.#keys.get(entry.message.key);
    if (state === undefined) return;
    state.queued--;
    state.inFlight++;
    entry.holdsKey = true;
  }

  /** The entry has ended: the next ones of its key may go. */
  release(entry: SendEntry): void {
    const { key } = entry.message;
    if (key === undefined) return;
    const state = this.#keys.get(key);
    if (state === undefined) return;
    if (entry.holdsKey) state.inFlight--;
    entry.holdsKey = false;
    this.#letThrough(state);
    if (state.inFlight === 0 && state.queued === 0 && state.waiting.length === 0) this.#keys.delete(key);
  }

  /** Of an entry that ended while it was in `ready` and was never taken. */
  drop(entry: SendEntry): void {
    const state = entry.message.key === undefined ? undefined : this.#keys.get(entry.message.key);
    if (state !== undefined && !entry.holdsKey) state.queued--;
    this.release(entry);
  }

  #letThrough(state: KeyState): void {
    if (state.inFlight > 0) return;
    while (state.waiting.length > 0 && !(this.#onePerBatch && state.queued > 0)) {
      const entry = state.waiting.shift() as SendEntry;
      if (!entry.done) this.#admit(state, entry);
    }
  }

  #admit(state: KeyState, entry: SendEntry): void {
    if (state.inFlight > 0 || (this.#onePerBatch && state.queued > 0)) return state.waiting.push(entry);
    state.queued++;
    this.ready.push(entry);
  }
}
