import type { Capabilities } from '@anymq/core/driver';
import type { CaseContext } from './case-context.ts';

/** G1 to G16 are the guarantees of the contract; D is the driver interface itself; a capability's name is that capability. */
export type Group =
  | 'G1'
  | 'G2'
  | 'G3'
  | 'G4'
  | 'G5'
  | 'G6'
  | 'G7'
  | 'G8'
  | 'G9'
  | 'G10'
  | 'G11'
  | 'G12'
  | 'G13'
  | 'G14'
  | 'G15'
  | 'G16'
  | 'D'
  | 'batch'
  | 'middleware'
  | keyof Capabilities;

/** A capability of the driver, or an optional member of the harness. */
export type Need = keyof Capabilities | 'restartBroker' | 'cutConnections' | 'writeForeign';

export interface ConformanceCase {
  readonly group: Group;
  readonly name: string;
  /** What must be there for the case to mean anything; it is not run otherwise, and reported so. */
  readonly needs?: readonly Need[] | undefined;
  /** It disturbs the whole broker: never beside another case. */
  readonly alone?: boolean | undefined;
  run(context: CaseContext): Promise<void>;
}

/** The cases of one group: `group` is written once. */
export function casesOf(group: Group, cases: readonly Omit<ConformanceCase, 'group'>[]): readonly ConformanceCase[] {
  return cases.map((each) => ({ ...each, group }));
}
