// What `@anymq/outbox-postgres` builds on too. Users do not need it.
export { inTransaction, requirePool, type Ending, type Queryable } from './database.ts';
export type { TransactionalDatabase, TransactionalPool } from './database.ts';
export { indexName, onceDone, requireTable, unlessThere } from './table.ts';
