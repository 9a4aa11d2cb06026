import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, createMemoryStore, type Client, type ClientEvent, type Config, type DriverModule } from '@anymq/core';
import type { Books } from './books.ts';
import { Crew } from './crew.ts';
import { groups, orders as queue, stockChanges } from './destinations.ts';
import { tellStory, type StoryOptions } from './story.ts';

export interface StoreOptions extends Pick<
  StoryOptions,
  'books' | 'orders' | 'seed' | 'patienceMs' | 'signal' | 'tell'
> {
  readonly broker: string;
  readonly drivers: readonly DriverModule[];
  /** What could not be tidied up. */
  readonly warn: (text: string) => void;
}

/** Opens the store on a broker, lets the story happen, and leaves nothing behind, however it ends. */
export async function openStore(options: StoreOptions): Promise<void> {
  const trouble = new AbortController();
  const signal = AbortSignal.any([options.signal, trouble.signal]);
  const onEvent = (event: ClientEvent): void => enterEvent(event, options.books, trouble);
  const client = await connect(ownNamespace(options.broker), { onEvent, drivers: options.drivers });
  const crew = new Crew((error) => trouble.abort(error));
  try {
    const idempotency = createMemoryStore({ maxKeys: (1 + groups.length) * options.orders.length });
    await tellStory({ ...options, client, crew, signal, idempotency });
  } finally {
    trouble.abort(new Error('The store has closed.'));
    await tidyUp(client, crew, options);
  }
}

/** A namespace of its own, so that a run never meets what another one left on a shared broker. */
function ownNamespace(broker: string): Config {
  return { brokers: { store: broker }, namespace: `store-${randomBytes(4).toString('hex')}` };
}

/** Dead letters are counted as the client reports them, which it does once they are safe. */
function enterEvent(event: ClientEvent, books: Books, trouble: AbortController): void {
  if (event.type !== 'dead-letter') return;
  if (event.destination !== queue.name) {
    trouble.abort(new Error(`'${event.id}' became a dead letter of ${event.group} (${event.error.name}).`));
  } else if (books.expectsRedriven(event.id)) {
    trouble.abort(new Error(`'${event.id}' was redriven and became a dead letter again (${event.error.name}).`));
  } else {
    books.enterDeadLetter(event.id);
  }
}

/** What cannot be removed is told, and does not hide how the run itself ended. */
async function tidyUp(client: Client, crew: Crew, { patienceMs, warn }: StoreOptions): Promise<void> {
  const destinations = [queue, stockChanges];
  try {
    await crew.stop(patienceMs);
    await within(patienceMs, client.remove(destinations));
  } catch (error) {
    const left = destinations.map((destination) => Object.values(client.physicalNames(destination)).join(', '));
    warn(`${left.join(', ')} could not be removed: ${(error as Error).message}`);
  } finally {
    await client.close();
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  const timeout = wait(ms, undefined, { signal: done.signal }).then(() => {
    throw new Error(`the broker has not answered for ${ms / 1000} s`);
  });
  await Promise.race([work, timeout]).finally(() => done.abort());
}
