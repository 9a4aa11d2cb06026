import { type Client, connect, type Consumer, type Destination } from '@anymq/core';

let opened = 0;

export interface Opened {
  readonly url: string;
  readonly namespace: string;
  readonly client: Client;
  /** Removes what was made. */
  readonly close: () => Promise<void>;
}

/** A client in a namespace of its own, with these destinations. */
export async function open(url: string, destinations: readonly Destination[]): Promise<Opened> {
  const namespace = `grow${process.pid.toString(36)}x${(opened += 1).toString(36)}`;
  const client = await connect({ brokers: { main: url }, namespace });
  await client.provision(destinations);
  return {
    url,
    namespace,
    client,
    async close() {
      await client.remove(destinations);
      await client.close();
    },
  };
}

/** Counts down, and then resolves. */
export class Countdown {
  readonly done: Promise<void>;
  left: number;
  readonly #resolve: () => void;

  constructor(count: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#resolve = resolve;
    this.left = count;
  }

  count(): void {
    if ((this.left -= 1) === 0) this.#resolve();
  }
}

/** From the start of the consumers until all is handled and acknowledged. */
export async function consumeAll(consumers: readonly Consumer[], countdown: Countdown): Promise<void> {
  await Promise.all(consumers.map((consumer) => consumer.start()));
  await countdown.done;
  await Promise.all(consumers.map((consumer) => consumer.stop()));
}
