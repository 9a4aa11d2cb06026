import { defineQueue, type Queue } from '@anymq/core';

/** What a process with a relay is told, in its environment. */
export interface RelayProcess {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly namespace: string;
  readonly table: string;
  /** Stops itself, by SIGSTOP, between its first lane and its first send. */
  readonly freezes: boolean;
}

export const variable = 'ANYMQ_RELAY_SETTINGS';
export const relaysQueue: Queue<number> = defineQueue<number>('relayed', { ordering: 'key', key: () => undefined });
