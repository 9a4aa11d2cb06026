import type { BrokerBehindProxy } from '@anymq/testing/proxy';
import type { DriverName } from './drivers.ts';
import type { Confirmed } from './ledger.ts';
import type { Member } from './member/member.ts';

/** What a fault can take hold of. */
export interface Scene {
  readonly driver: DriverName;
  readonly behind: BrokerBehindProxy;
  readonly namespace: string;
  readonly consumers: readonly Member[];
  readonly producers: readonly Member[];
  /** The same numbers for the same seed. */
  readonly random: () => number;
  /** The lease that consumers ask for. */
  readonly leaseMs: number;
  /** Resolves when that share of the messages, from 0 to 1, is confirmed. */
  readonly progress: (share: number) => Promise<void>;
  /** Writes into the log of the run, and shows with its time, what is broken now. */
  readonly tell: (what: string) => void;
}

/** Something that breaks, by its name. */
export interface Fault {
  readonly name: string;
  /** What happens, for the table. */
  readonly what: string;
  /** Default: every driver. */
  readonly drivers?: readonly DriverName[];
  /** Node's options for the consumers. */
  readonly consumerOptions?: readonly string[];
  /** Whether it needs a broker of three servers. */
  readonly isOfCluster?: true;
  /** Whether it is part of the short form, in `npm test`. */
  readonly short?: true;
  /** Breaks it, once or several times, and mends what a person would mend. */
  inflict(scene: Scene): Promise<void | Aftermath>;
}

/** What a fault leaves behind, where that is in its nature. */
export interface Aftermath {
  /** What it may have taken. Default: nothing. */
  readonly mayBeLost?: (entry: Confirmed) => boolean;
  /** When it began, where something else takes over and nobody waits for its end. */
  readonly brokenAt?: number;
}
