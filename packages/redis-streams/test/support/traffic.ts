import { type Client, createClient, defineQueue, type Handler } from '@anymq/core';
import type { Driver } from '@anymq/core/driver';
import type { RedisStreamsCapabilities } from '@anymq/redis-streams';
import { vi } from 'vitest';

const jobs = defineQueue<number>('jobs');

export interface TrafficOptions {
  readonly connect: () => Promise<Driver<RedisStreamsCapabilities>>;
  /** Of the producer; `connect` by default. */
  readonly connectSender?: () => Promise<Driver<RedisStreamsCapabilities>>;
  readonly handler?: Handler<number>;
  readonly leaseMs?: number;
}

/** A producer and a consumer of numbers, each over a driver of its own, who keep count of what was confirmed and handled. */
export class Traffic {
  readonly #clients: readonly [sending: Client, receiving: Client];
  readonly #send: (numbers: readonly number[]) => Promise<readonly { readonly ok: boolean }[]>;
  readonly confirmed: Set<number> = new Set();
  /** How often each was handled. */
  readonly handled: Map<number, number> = new Map();

  private constructor(
    clients: readonly [sending: Client, receiving: Client],
    send: (numbers: readonly number[]) => Promise<readonly { readonly ok: boolean }[]>,
  ) {
    this.#clients = clients;
    this.#send = send;
  }

  static async open({
    connect,
    connectSender = connect,
    handler = () => undefined,
    leaseMs = 5000,
  }: TrafficOptions): Promise<Traffic> {
    const [sending, receiving] = [await createClient(await connectSender()), await createClient(await connect())];
    const producer = sending.producer(jobs, { timeoutMs: 60_000 });
    const traffic = new Traffic([sending, receiving], (numbers) => producer.sendMany(numbers));
    await sending.provision([jobs]);
    const consumer = receiving.consumer(jobs, { concurrency: 100, leaseMs }, (number, delivery) => {
      traffic.handled.set(number, (traffic.handled.get(number) ?? 0) + 1);
      return handler(number, delivery);
    });
    await consumer.start();
    return traffic;
  }

  /** In batches of 100, one after the other. `between` is called before each. */
  async sendAll(count: number, between: (sent: number) => unknown = () => undefined): Promise<void> {
    for (let first = 0; first < count; first += 100) {
      await between(first);
      await this.send(Array.from({ length: Math.min(100, count - first) }, (_, index) => first + index));
    }
  }

  async send(numbers: readonly number[]): Promise<void> {
    const results = await this.#send(numbers);
    for (const [index, { ok }] of results.entries()) if (ok) this.confirmed.add(numbers[index] ?? -1);
  }

  /** Resolves when everything that was confirmed has been handled. */
  async allHandled(withinMs = 60_000): Promise<void> {
    const check = (): void => {
      const waiting = [...this.confirmed].filter((number) => !this.handled.has(number));
      if (waiting.length > 0) throw new Error(`Confirmed and not handled: ${waiting.length}, as ${waiting[0]}.`);
    };
    await vi.waitFor(check, { timeout: withinMs, interval: 50 });
  }

  /** Resolves when so many different ones have been handled. */
  async until(count: number, withinMs = 60_000): Promise<void> {
    const check = (): void => {
      if (this.handled.size < count) throw new Error(`Handled: ${this.handled.size} of ${count}.`);
    };
    await vi.waitFor(check, { timeout: withinMs, interval: 20 });
  }

  /** Waiting, delayed or in hand. */
  async left(): Promise<number> {
    const { backlog, delayed, inFlight } = await this.#clients[0].inspect(jobs);
    return [backlog, delayed, inFlight].reduce((sum, { value }) => sum + (value ?? 0), 0);
  }

  async deadLetters(): Promise<number | null> {
    return (await this.#clients[0].inspect(jobs)).deadLetters.value;
  }

  /** Runs beyond the first of each. */
  get repeated(): number {
    return [...this.handled.values()].reduce((sum, times) => sum + times - 1, 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
