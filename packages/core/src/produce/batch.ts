import type { SendEntry } from './send-entry.ts';

/** Messages that a driver works on. Its signal is made when the driver first reads it. */
export class Batch {
  readonly entries: SendEntry[] = [];
  bytes = 0;
  /** The driver's answer counts no more: it has come, or nobody waits for it. */
  settled = false;
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  add(entry: SendEntry): void {
    entry.offered = true;
    this.bytes += entry.bytes;
    this.entries.push(entry);
  }

  abort(): void {
    this.settled = true;
    (this.#controller ??= new AbortController()).abort();
  }
}
