import type { AnymqError } from '../errors.ts';
import { Ring } from '../ring.ts';
import type { Batch } from './batch.ts';
import { ended } from './send-errors.ts';
import type { SendCall, SendEntry } from './send-entry.ts';

interface KeyState {
  /** Ready to be taken into a batch. */
  queued: number;
  inFlight: number;
  /** That which was taken last. */
  batch?: Batch;
  /** Was ready when a batch was full; before what waits. */
  deferred?: Ring<SendEntry>;
  readonly waiting: Ring<SendEntry>;
}

/**
 * Lets what has a key through to where it may be sent. Messages of one key keep their order: while one is in flight, the
 * others wait; where a batch may succeed in part, a batch holds one message of a key.
 */
export class KeyGate {
  readonly #ready: Ring<SendEntry>;
  readonly #onePerBatch: boolean;
  readonly #keys = new Map<string, KeyState>();

  constructor(ready: Ring<SendEntry>, onePerBatch: boolean) {
    this.#ready = ready;
    this.#onePerBatch = onePerBatch;
  }

  add(entry: SendEntry, key: string): void {
    let state = this.#keys.get(key);
    if (state === undefined) this.#keys.set(key, (state = { queued: 0, inFlight: 0, waiting: new Ring() }));
    this.#admit(state, entry);
  }

  /** Of an entry that was shifted from what is ready. False: another batch has its key, and it waits. */
  take(entry: SendEntry, batch: Batch): boolean {
    const state = this.#stateOf(entry);
    if (state === undefined || entry.holdsKey) return true;
    state.queued--;
    if (state.inFlight > 0 && state.batch !== batch) {
      (state.deferred ??= new Ring()).push(entry);
      return false;
    }
    state.inFlight++;
    state.batch = batch;
    return (entry.holdsKey = true);
  }

  /** The entry has ended: the next ones of its key may go. */
  release(entry: SendEntry): void {
    const state = this.#stateOf(entry);
    if (state === undefined) return;
    if (entry.holdsKey) state.inFlight--;
    entry.holdsKey = false;
    this.#letThrough(state);
    // What was deferred has been let through, when nothing of its key is in flight.
    if (state.inFlight === 0 && state.queued === 0 && state.waiting.length === 0)
      this.#keys.delete(entry.message.key as string);
  }

  /** Of an entry that ended while it was ready, and was never taken. */
  drop(entry: SendEntry): void {
    const state = this.#stateOf(entry);
    if (state !== undefined && !entry.holdsKey) state.queued--;
    this.release(entry);
  }

  /** CONFLICT, when an earlier message of the same key and call has failed. */
  failedBefore({ call, message: { key }, index, offered }: SendEntry): AnymqError | undefined {
    if (key === undefined || (call.failedKeys?.get(key) ?? index) >= index) return undefined;
    const text = 'An earlier message of the same key failed, so this one was not sent. Send both again, in order.';
    return ended('CONFLICT', text, offered);
  }

  /** Remembers that a message of this key has failed. */
  markFailed(call: SendCall, key: string | undefined, index: number): void {
    if (key === undefined) return;
    call.failedKeys ??= new Map();
    call.failedKeys.set(key, Math.min(index, call.failedKeys.get(key) ?? index));
  }

  #stateOf({ message: { key } }: SendEntry): KeyState | undefined {
    return key === undefined ? undefined : this.#keys.get(key);
  }

  #letThrough(state: KeyState): void {
    if (state.inFlight > 0) return;
    for (const entry of state.deferred?.takeAll() ?? []) if (!entry.done) this.#admit(state, entry);
    while (state.waiting.length > 0 && !(this.#onePerBatch && state.queued > 0)) {
      const entry = state.waiting.shift() as SendEntry;
      if (!entry.done) this.#admit(state, entry);
    }
  }

  #admit(state: KeyState, entry: SendEntry): void {
    if (state.inFlight > 0 || (this.#onePerBatch && state.queued > 0)) return state.waiting.push(entry);
    state.queued++;
    this.#ready.push(entry);
  }
}
