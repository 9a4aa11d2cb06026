import type { Reader } from './client.ts';

/** What makes a receiver one member of a group. */
export interface Membership {
  /** Unique: no other receiver ever had it. */
  readonly name: string;
  readonly reader: Reader;
  /** Makes the group where somebody has deleted it. */
  ensureGroup(): Promise<void>;
}
