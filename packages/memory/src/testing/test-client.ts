import {
  type BatchConsumeHandler,
  type Client,
  type ClientEvent,
  type ClientOptions,
  createClient,
  type Destination,
  type Handler,
} from '@anymq/core';
import { loadParts } from '@anymq/core/driver';
import { Broker, type MemoryBroker } from '../broker.ts';
import { createMemoryDriver } from '../driver.ts';
import type { MemoryCapabilities, MemoryDriverOptions } from '../options.ts';
import { createVirtualClock, type VirtualClock } from '../virtual-clock.ts';
import { Activity } from './activity.ts';
import { counting, handle, type Handled, type HandleOptions } from './handle.ts';
import { runUntil, type VirtualRunOptions } from './virtual-run.ts';

export interface TestClientOptions
  extends Omit<ClientOptions, 'clock' | 'drivers'>, Pick<MemoryDriverOptions, 'namespace' | 'maxDelayMs' | 'maxRunMs'> {
  /** What the clock shows at first, in milliseconds since 1970: 2026-01-01T00:00:00Z by default. */
  readonly startMs?: number | undefined;
}

export interface UntilIdleOptions {
  /** Virtual time after which it rejects with TIMEOUT, in milliseconds; 8 days by default. */
  readonly withinMs?: number | undefined;
}

/** A client for tests of handlers: on a broker of its own, with a clock that goes only as far as the test needs. */
export interface TestClient extends Client<MemoryCapabilities> {
  /** Its `faults` make things go wrong. */
  readonly broker: MemoryBroker;
  /** `clock.advance(ms)` lets time pass while a handler waits for it, as for its `timeout`. */
  readonly clock: VirtualClock;
  /**
   * Sends `bodies`, runs `handler` as a consumer of `destination` until nothing waits, runs or is delayed there, and tells
   * what became of each message. Delays and backoffs cost no time: the clock jumps over them when no handler runs; while
   * one runs, it is awaited in real time. Without bodies: handles what waits already. Rejects as `send` and `start` do,
   * and with TIMEOUT after `withinMs` of virtual time.
   */
  handle<In, Out>(
    destination: Destination<In, Out>,
    handler: Handler<Out>,
    bodies: readonly In[],
    options?: HandleOptions<In>,
  ): Promise<Handled<Out>>;
  /** For consumers that the test started itself: resolves when nothing waits, runs or is delayed on the whole broker, as `handle` does. */
  untilIdle(options?: UntilIdleOptions): Promise<void>;
}

const defaultWithinMs = 8 * 24 * 60 * 60 * 1000;

/**
 * ```ts
 * await using mq = await createTestClient();
 * const { acknowledged, retried, deadLettered } = await mq.handle(orders, handler, [order]);
 * ```
 * `random` is always 0.5 unless given, so that backoffs are the same in every run.
 * @throws INVALID_OPTION
 */
export async function createTestClient(options: TestClientOptions = {}): Promise<TestClient> {
  await loadParts();
  const { startMs, namespace, maxDelayMs, maxRunMs, onEvent, random = half, ...clientOptions } = options;
  const clock = createVirtualClock(startMs);
  const broker = new Broker(clock, Infinity);
  const listeners = new Set<(event: ClientEvent) => void>(onEvent === undefined ? [] : [onEvent]);
  const emit = (event: ClientEvent): void => listeners.forEach((listener) => listener(event));
  const driver = createMemoryDriver({ broker, namespace, maxDelayMs, maxRunMs });
  const client = await createClient<MemoryCapabilities>(driver, { ...clientOptions, clock, random, onEvent: emit });
  const activity = new Activity();
  const run: VirtualRunOptions = { clock, activity, withinMs: defaultWithinMs };
  const listen = (listener: (event: ClientEvent) => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const counted = countedClient(client, activity);
  return Object.assign(counted, {
    broker,
    clock,
    handle: <In, Out>(
      destination: Destination<In, Out>,
      handler: Handler<Out>,
      bodies: readonly In[],
      handleOptions: HandleOptions<In> = {},
    ) => handle({ client: counted, run, listen }, destination, handler, bodies, handleOptions),
    untilIdle: ({ withinMs = defaultWithinMs }: UntilIdleOptions = {}) =>
      runUntil(() => broker.pending === 0, { ...run, withinMs }),
  });
}

/** The client, whose consumers are counted while they run a handler. */
function countedClient(client: Client<MemoryCapabilities>, activity: Activity): Client<MemoryCapabilities> {
  const count = counting(activity);
  const countBatch =
    (next: BatchConsumeHandler): BatchConsumeHandler =>
    (deliveries, context) =>
      activity.track(() => next(deliveries, context));
  return {
    producer: (to, options) => client.producer(to, options),
    consumer: (from, options, handler) =>
      client.consumer(from, { ...options, use: [count, ...(options.use ?? [])] }, handler),
    batchConsumer: (from, options, handler) =>
      client.batchConsumer(from, { ...options, use: [countBatch, ...(options.use ?? [])] }, handler),
    run: (definition) =>
      client.run({
        ...definition,
        options: { ...definition.options, use: [count, ...(definition.options.use ?? [])] },
      }),
    deadLetters: (of, options) => client.deadLetters(of, options),
    inspect: (what, options) => client.inspect(what, options),
    seek: (what, options) => client.seek(what, options),
    provision: (what, options) => client.provision(what, options),
    remove: (what, options) => client.remove(what, options),
    physicalNames: (what, options) => client.physicalNames(what, options),
    check: () => client.check(),
    close: (options) => client.close(options),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

function half(): number {
  return 0.5;
}
