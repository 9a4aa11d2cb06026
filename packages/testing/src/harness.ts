import type { Address, Driver } from '@anymq/core/driver';

/** A message as a program without anymq would write it: the broker's own means, none of the library's attributes. */
export interface RawMessage {
  readonly body: Uint8Array;
  /** The broker's own ordering or partitioning key, where it has one. */
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * What the suite needs of an adapter. The optional members are about the broker as a whole; where one is missing, the
 * cases that need it are reported as not run, by name.
 */
export interface Harness {
  readonly name: string;
  /** A new, connected driver. Drivers of one namespace share its destinations, as processes on one broker do. */
  createDriver(namespace: string): Promise<Driver>;
  /**
   * The driver's process is killed: from now on none of its calls has any effect on the broker, each rejects (or does not
   * settle), and its sockets are closed without a word. `driver.close()` is still called afterwards and must resolve.
   */
  crash(driver: Driver): Promise<void>;
  /** Resolves when the broker answers again, with everything that it had confirmed. */
  restartBroker?(): Promise<void>;
  /** Breaks every connection between the drivers and the broker, once. */
  cutConnections?(): Promise<void>;
  /** `address.physical` is the destination's computed name, namespace included. */
  writeForeign?(address: Address, raw: RawMessage): Promise<void>;
  close(): Promise<void>;
}
