export type { ClientOf, Queryable, TransactionalDatabase, TransactionalPool } from './database.ts';
export { createPostgresStore, type PostgresStoreOptions } from './create-postgres-store.ts';
export { transactional, type Inbox, type TransactionalOptions } from './transactional.ts';
