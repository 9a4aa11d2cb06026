import type { IdempotencyStore } from '@anymq/core';

/** What the suite needs of a store. Cases that need a missing member are reported as not run, by name. */
export interface StoreHarness {
  readonly name: string;
  /** A new store. Those of one namespace share their keys, as processes on one server do; those of two share none. */
  createStore(namespace: string): Promise<IdempotencyStore>;
  /** Resolves when the server answers again, with everything that it had confirmed. */
  restart?(): Promise<void>;
  /** Breaks every connection between the stores and the server, once. */
  cutConnections?(): Promise<void>;
  /** True: the server runs inside this process and takes its time from it, so that a jump of this clock is one of the server's. */
  readonly runsInside?: boolean;
  close(): Promise<void>;
}
