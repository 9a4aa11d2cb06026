import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { ordersOf } from '../payload.ts';
import { percentileOf, type Spread, spreadOf } from '../statistics.ts';
import { within } from '../within.ts';
import type { Contender, Session } from './contender.ts';

export interface LatencyOptions {
  /** One after the other, to a consumer that waits. */
  readonly idle: { readonly messages: number; readonly pauseMs: number };
  /** Open loop: sent at their times, whatever has become of those before. */
  readonly steady: { readonly messages: number; readonly perSecond: number };
  readonly rounds: number;
  /** After so long no further round is begun. No limit by default. */
  readonly withinMs?: number;
}

/** From the intended time of sending to the beginning of the handler, in milliseconds; medians and spread of the rounds. */
export interface LatencyResult {
  readonly on: string;
  readonly load: 'idle' | 'steady';
  readonly perSecond: number | undefined;
  /** In each round. */
  readonly messages: number;
  readonly rounds: number;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
}

type Load = LatencyResult['load'];
interface Listeners {
  readonly onRound: (round: number, contender: Contender, load: Load) => void;
  /** Of a contender that failed, or hung: it is left out of that load. */
  readonly onFailure: (contender: Contender, load: Load, error: unknown) => void;
}

/** What takes longer hangs. */
const roundWithinMs = 60_000;
const warmUpMessages = 100;
/** Of those, one by one. */
const joinMessages = 10;
const loads: readonly Load[] = ['idle', 'steady'];

/** Contenders in turns, backwards every other round. */
export async function measureLatencies(
  url: string,
  contenders: readonly Contender[],
  options: LatencyOptions,
  { onRound, onFailure }: Listeners,
): Promise<readonly LatencyResult[]> {
  let left = loads.flatMap((load) =>
    contenders.map((contender) => ({ load, contender, rounds: [] as (readonly number[])[] })),
  );
  const endAt = performance.now() + (options.withinMs ?? Infinity);
  for (let round = 1; round <= options.rounds && (round === 1 || performance.now() < endAt); round += 1) {
    for (const one of round % 2 === 1 ? left : left.toReversed()) {
      const { contender, load } = one;
      onRound(round, contender, load);
      try {
        const measure = (): Promise<readonly number[]> => measureRound(url, contender, load, options);
        one.rounds.push(await within(roundWithinMs, `${contender.name}: latency, ${load}`, measure));
      } catch (error) {
        onFailure(contender, load, error);
        left = left.filter((other) => other !== one);
      }
    }
  }
  return left.map(({ load, contender, rounds }) => ({
    on: contender.name,
    load,
    perSecond: load === 'steady' ? options.steady.perSecond : undefined,
    messages: options[load].messages,
    rounds: rounds.length,
    p50Ms: spreadOf(rounds.map((latencies) => percentileOf(latencies, 0.5))),
    p99Ms: spreadOf(rounds.map((latencies) => percentileOf(latencies, 0.99))),
  }));
}

async function measureRound(
  url: string,
  contender: Contender,
  load: Load,
  { idle, steady }: LatencyOptions,
): Promise<readonly number[]> {
  const session = await contender.open(url);
  const messages = warmUpMessages + (load === 'idle' ? idle.messages : steady.messages);
  const arrivals = new Arrivals(messages);
  const consuming = await session.consumes.consume?.(async ({ cents }) => arrivals.note(cents));
  if (consuming === undefined) throw new Error(`${contender.name} cannot consume.`);
  try {
    const intended =
      load === 'idle'
        ? await sendOneByOne(session, arrivals, messages, idle.pauseMs)
        : [
            // A consumer that has only just started may still be joining its group.
            ...(await sendOneByOne(session, arrivals, joinMessages, idle.pauseMs)),
            ...(await sendAtRate(session, { from: joinMessages, to: messages }, steady.perSecond)),
          ];
    await arrivals.all;
    await consuming.settled();
    return arrivals.at.map((at, index) => at - (intended[index] ?? 0)).slice(warmUpMessages);
  } finally {
    await consuming.stop();
    await session.close();
  }
}

/** When the handler of each message began. */
class Arrivals {
  readonly at: number[];
  readonly #done = Promise.withResolvers<void>();
  #left: number;
  #next = Promise.withResolvers<void>();

  constructor(messages: number) {
    this.at = Array.from({ length: messages }, () => Number.NaN);
    this.#left = messages;
  }

  get all(): Promise<void> {
    return this.#done.promise;
  }

  next(): Promise<void> {
    this.#next = Promise.withResolvers();
    return this.#next.promise;
  }

  note(index: number): void {
    // A redelivery arrives a second time; what counts is the first.
    if (!Number.isNaN(this.at[index])) return;
    this.at[index] = performance.now();
    this.#next.resolve();
    if ((this.#left -= 1) === 0) this.#done.resolve();
  }
}

/** The number of the message stands for its cents. */
function numbered(messages: number): ReturnType<typeof ordersOf> {
  return ordersOf(messages).map((order, index) => ({ ...order, cents: index }));
}

async function sendOneByOne(
  session: Session,
  arrivals: Arrivals,
  messages: number,
  pauseMs: number,
): Promise<readonly number[]> {
  const sentAt: number[] = [];
  for (const body of numbered(messages)) {
    const arrived = arrivals.next();
    sentAt.push(performance.now());
    await Promise.all([session.send(body), arrived]);
    await wait(pauseMs);
  }
  return sentAt;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Timers are too coarse: it looks at the clock in every turn of the event loop, as the same process receives too. */
async function sendAtRate(session: Session, { from, to }: Range, perSecond: number): Promise<readonly number[]> {
  const bodies = numbered(to).slice(from);
  const start = performance.now() + 10;
  const intended = bodies.map((_, index) => start + (index * 1000) / perSecond);
  const sends: Promise<void>[] = [];
  while (sends.length < bodies.length) {
    const now = performance.now();
    for (let index = sends.length; index < bodies.length && (intended[index] as number) <= now; index += 1) {
      sends.push(session.send(bodies[index] as (typeof bodies)[number]));
    }
    await turn();
  }
  await Promise.all(sends);
  return intended;
}
