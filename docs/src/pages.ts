import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A page of the documentation: its path from the root, with forward slashes, and its text. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** The root of the workspace. */
export const workspace: string = join(import.meta.dirname, '..', '..');

/** Adapters and stores whose own page is one of the documentation's, and the vendor's clients that its code imports. */
export const adapters: readonly { readonly folder: string; readonly clients: readonly string[] }[] = [
  { folder: 'redis-streams', clients: ['ioredis'] },
  { folder: 'rabbitmq', clients: ['amqplib'] },
  { folder: 'kafka', clients: ['kafkajs'] },
  { folder: 'sqs', clients: ['@aws-sdk/client-sqs', '@aws-sdk/client-sns'] },
  { folder: 'idempotency-redis', clients: ['ioredis'] },
  { folder: 'idempotency-postgres', clients: ['pg', '@types/pg'] },
  { folder: 'idempotency-dynamodb', clients: ['@aws-sdk/client-dynamodb'] },
  { folder: 'outbox-postgres', clients: ['pg'] },
];

/** README.md, docs/*.md, those of the packages below `root`; decision records are history, and not among them. */
export function readPages(root: string): readonly Page[] {
  const names = existsSync(join(root, 'docs')) ? readdirSync(join(root, 'docs')).toSorted() : [];
  const docs = names.filter((name) => name.endsWith('.md'));
  const paths = [
    'README.md',
    ...docs.map((name) => `docs/${name}`),
    ...adapters.map(({ folder }) => `packages/${folder}/README.md`),
    ...['core', 'memory', 'testing'].map((name) => `packages/${name}/README.md`),
  ];
  return paths
    .filter((path) => existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

export function writePage(root: string, { path, text }: Page): void {
  writeFileSync(join(root, path), text);
}

/** A text of the workspace. */
export function readSource(path: string): string {
  return readFileSync(join(workspace, path), 'utf8');
}
