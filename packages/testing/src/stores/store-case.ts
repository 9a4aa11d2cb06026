import type { StoreContext } from './store-context.ts';

export type StoreGroup = 'claims' | 'leases' | 'completion' | 'batches' | 'keys' | 'lifecycle' | 'outages';

/** What each group shows, in the order in which they are reported. */
export const storeGroupTitles: Readonly<Record<StoreGroup, string>> = {
  claims: 'claims: of many at once exactly one gets the key',
  leases: 'leases: a silent owner is taken over, and can do nothing afterwards',
  completion: 'completion: what is done stays done until its retention ends',
  batches: 'batches: one answer for each key, in order',
  keys: 'keys: none is taken for another',
  lifecycle: 'lifecycle: closed once, and for good',
  outages: 'outages: nothing confirmed is lost, nothing is answered that is not known',
};

export interface StoreCase {
  readonly group: StoreGroup;
  readonly name: string;
  readonly needs?: 'restart' | 'cutConnections' | 'a clock of its own';
  /** It disturbs the server or the process: never beside another case. */
  readonly alone?: boolean;
  run(context: StoreContext): Promise<void>;
}

/** The cases of one group: `group` is written once. */
export function storeCasesOf(group: StoreGroup, cases: readonly Omit<StoreCase, 'group'>[]): readonly StoreCase[] {
  return cases.map((each) => ({ ...each, group }));
}
