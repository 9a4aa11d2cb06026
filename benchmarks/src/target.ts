import type { Client, Queue } from '@anymq/core';
import type { Setup } from './setup.ts';

/** A client on a fresh broker, or on something that stands for one. */
export interface Target {
  readonly client: Client;
  /** Puts so many messages into the queue, for a consumer to take. */
  fill(queue: Queue, setup: Setup, messages: number): Promise<void>;
  /** Resolves when everything in the queue has been acknowledged. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

export interface TargetKind {
  /** For the table. */
  readonly on: string;
  open(): Promise<Target>;
}
