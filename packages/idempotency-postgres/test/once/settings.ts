/** What a process of the proof is told, in its environment. */
export interface WorkerSettings {
  readonly worker: string;
  /** What `connect` takes. */
  readonly brokerUrl: string;
  readonly namespace: string;
  readonly protection: Protection;
  readonly leaseMs: number;
  /** Of the store's server. */
  readonly storeUrl: string;
  /** Of the database with the journal and the effects. */
  readonly journalUrl: string;
}

/** `transactional`, or `idempotent` with a store in one of these. */
export type Protection = 'transactional' | 'redis' | 'postgres' | 'dynamodb';

export const variable = 'ANYMQ_PROOF_SETTINGS';
