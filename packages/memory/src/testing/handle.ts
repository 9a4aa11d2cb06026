import type {
  Client,
  ClientEvent,
  ConsumeHandler,
  Consumer,
  ConsumerOptions,
  DeadLetter,
  Delivery,
  Destination,
  Handler,
  SendOptions,
} from '@anymq/core';
import type { MemoryCapabilities } from '../options.ts';
import type { Activity } from './activity.ts';
import { driven, runUntil, type VirtualRunOptions } from './virtual-run.ts';

export interface HandleOptions<In = unknown> extends ConsumerOptions<MemoryCapabilities> {
  /** Of a topic: its only listed group by default. */
  readonly group?: string | undefined;
  /** Options of the messages that are sent: of all, or of each. */
  readonly send?: SendOptions | ((body: In, index: number) => SendOptions) | undefined;
  /** Virtual time after which `handle` rejects with TIMEOUT, in milliseconds; 8 days by default. */
  readonly withinMs?: number | undefined;
}

export interface HandledMessage<Out> {
  readonly id: string;
  /** As the handler got it; undefined when it never got there: undecodable, or refused by the schema. */
  readonly body: Out | undefined;
  /** How often the handler ran. */
  readonly runs: number;
  /** What it threw, in order. */
  readonly errors: readonly unknown[];
}
export interface DeadLetteredMessage<Out> extends HandledMessage<Out> {
  readonly letter: DeadLetter;
}

/** What became of each message, in the order in which they were first seen. */
export interface Handled<Out> {
  readonly acknowledged: readonly HandledMessage<Out>[];
  /** Those that got a further attempt, whatever became of them in the end. */
  readonly retried: readonly HandledMessage<Out>[];
  readonly deadLettered: readonly DeadLetteredMessage<Out>[];
  /** With `deadLetter: false`: given up. */
  readonly discarded: readonly HandledMessage<Out>[];
  /** Virtual time that passed: the delays, one after the other. */
  readonly elapsedMs: number;
}

export interface HandleParts {
  readonly client: Client<MemoryCapabilities>;
  readonly run: VirtualRunOptions;
  /** Returns what ends it. */
  readonly listen: (listener: (event: ClientEvent) => void) => () => void;
}

/** Sends `bodies`, runs the handler until nothing waits, runs or is delayed, and tells what became of each. */
export async function handle<In, Out>(
  parts: HandleParts,
  destination: Destination<In, Out>,
  handler: Handler<Out>,
  bodies: readonly In[],
  options: HandleOptions<In>,
): Promise<Handled<Out>> {
  const { send, withinMs, ...consumerOptions } = options;
  const run = { ...parts.run, withinMs: withinMs ?? parts.run.withinMs };
  const group = options.group ?? onlyGroup(destination);
  const record = new RunRecord<Out>(destination.name, group);
  const begunAt = run.clock.now();
  const consumer = parts.client.consumer(destination, { ...consumerOptions, group }, record.recorded(handler));
  const stopListening = parts.listen((event) => record.take(event));
  try {
    await driven(consumer.start(), run);
    await driven(sendAll(parts.client, destination, bodies, send), run);
    await untilHandled(parts.client, { destination, group, consumer, run });
  } finally {
    await driven(consumer.stop(), run);
    stopListening();
  }
  const letters = await lettersOf(parts.client, destination, group);
  return { ...record.result(letters), elapsedMs: run.clock.now() - begunAt };
}

/** Counts the runs of a consumer as activity, its middleware included. */
export function counting(activity: Activity): (next: ConsumeHandler) => ConsumeHandler {
  return (next) => (body, delivery) => activity.track(() => next(body, delivery));
}

function onlyGroup(destination: Destination): string | undefined {
  return destination.kind === 'topic' && destination.groups.size === 1 ? [...destination.groups.keys()][0] : undefined;
}

async function sendAll<In, Out>(
  client: Client,
  destination: Destination<In, Out>,
  bodies: readonly In[],
  send: HandleOptions<In>['send'],
): Promise<void> {
  if (bodies.length === 0) return;
  for (const result of await client.producer(destination).sendMany(bodies, send)) {
    if (!result.ok) throw result.error;
  }
}

interface Handling {
  readonly destination: Destination;
  readonly group: string | undefined;
  readonly consumer: Consumer;
  readonly run: VirtualRunOptions;
}

async function untilHandled(client: Client, { destination, group, consumer, run }: Handling): Promise<void> {
  let hasFailed = false;
  consumer.finished.catch(() => (hasFailed = true));
  await runUntil(async () => {
    if (hasFailed) await consumer.finished;
    const { backlog, inFlight, delayed } = await client.inspect(destination, groupOption(group));
    return backlog.value === 0 && inFlight.value === 0 && delayed.value === 0;
  }, run);
}

async function lettersOf(
  client: Client,
  destination: Destination,
  group: string | undefined,
): Promise<ReadonlyMap<string, DeadLetter>> {
  const letters = new Map<string, DeadLetter>();
  for await (const letter of client.deadLetters(destination, groupOption(group)).list()) letters.set(letter.id, letter);
  return letters;
}

function groupOption(group: string | undefined): { readonly group?: string } {
  return group === undefined ? {} : { group };
}

interface Run<Out> {
  readonly id: string;
  body: Out | undefined;
  runs: number;
  readonly errors: unknown[];
}

class RunRecord<Out> {
  readonly #destination: string;
  readonly #group: string | undefined;
  readonly #runs = new Map<string, Run<Out>>();
  readonly #retried = new Set<string>();
  readonly #deadLettered = new Set<string>();
  readonly #discarded = new Set<string>();

  constructor(destination: string, group: string | undefined) {
    this.#destination = destination;
    this.#group = group;
  }

  recorded(handler: Handler<Out>): Handler<Out> {
    return async (body: Out, delivery: Delivery) => {
      const run = this.#runOf(delivery.message.id);
      run.body = body;
      run.runs += 1;
      try {
        return await handler(body, delivery);
      } catch (error) {
        run.errors.push(error);
        throw error;
      }
    };
  }

  take(event: ClientEvent): void {
    if (event.type !== 'retry' && event.type !== 'dead-letter' && event.type !== 'discarded') return;
    if (event.destination !== this.#destination || event.group !== this.#group) return;
    this.#runOf(event.id);
    const ids = { retry: this.#retried, 'dead-letter': this.#deadLettered, discarded: this.#discarded }[event.type];
    ids.add(event.id);
  }

  result(letters: ReadonlyMap<string, DeadLetter>): Omit<Handled<Out>, 'elapsedMs'> {
    const all = [...this.#runs.values()];
    const deadLettered: DeadLetteredMessage<Out>[] = [];
    for (const run of all) {
      const letter = this.#deadLettered.has(run.id) ? letters.get(run.id) : undefined;
      if (letter !== undefined) deadLettered.push({ ...run, letter });
    }
    return {
      acknowledged: all.filter(({ id }) => !this.#deadLettered.has(id) && !this.#discarded.has(id)),
      retried: all.filter(({ id }) => this.#retried.has(id)),
      deadLettered,
      discarded: all.filter(({ id }) => this.#discarded.has(id)),
    };
  }

  #runOf(id: string): Run<Out> {
    const known = this.#runs.get(id);
    if (known !== undefined) return known;
    const made: Run<Out> = { id, body: undefined, runs: 0, errors: [] };
    this.#runs.set(id, made);
    return made;
  }
}
