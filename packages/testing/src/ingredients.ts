import { bytes, type DefinitionOptions, type RetryOptions } from '@anymq/core';
import type { Driver } from '@anymq/core/driver';
import type { Behaviour, Job } from './case-context.ts';
import { wrapDriver } from './wrap-driver.ts';

/** Handler runs in all, the same wait before each further one. */
export function attempts(maxAttempts: number, delayMs: number = 0): RetryOptions {
  return { maxAttempts, backoff: () => delayMs };
}

export const fails: Behaviour = () => {
  throw new Error('the handler always fails');
};

/** Fails on the first `count` runs of each message. */
export function failsFirst(count: number): Behaviour {
  const seen = new Map<string, number>();
  return ({ id }) => {
    const runs = (seen.get(id) ?? 0) + 1;
    seen.set(id, runs);
    if (runs <= count) throw new Error(`run ${runs} fails`);
  };
}

export const ordered: DefinitionOptions<Job, Job> = { ordering: 'key', key: (job) => job.key, partitions: 4 };
export const raw: DefinitionOptions<Uint8Array, Uint8Array> = { codec: bytes };

/** Jobs from 1 to `count`. */
export function jobs(count: number, rest: (n: number) => Omit<Job, 'n'> = () => ({})): readonly Job[] {
  return Array.from({ length: count }, (_, index) => ({ n: index + 1, ...rest(index + 1) }));
}

/** Resolves when the clock has moved on for other work: a handler that lets others run. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A driver whose broker never answers a batch of sends. */
export function neverConfirming(driver: Driver): Driver {
  return wrapDriver(driver, { sender: () => ({ sendBatch: () => new Promise(() => undefined) }) });
}

/** An error of a broker's client that the driver, wrapped by `failing…`, classifies as it says. */
export class ScriptedError extends Error {
  readonly classification: ReturnType<Driver['classifyError']>;

  constructor(classification: ReturnType<Driver['classifyError']>) {
    super('scripted by the conformance suite');
    this.classification = classification;
  }
}

/** For hooks: the driver's own classification, save for scripted errors. */
export function classifyScripted(inner: Driver): Pick<Driver, 'classifyError'> {
  return {
    classifyError: (error) => (error instanceof ScriptedError ? error.classification : inner.classifyError(error)),
  };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** True for the first `count` calls. */
export function firstTimes(count: number): () => boolean {
  let calls = 0;
  return () => ++calls <= count;
}
