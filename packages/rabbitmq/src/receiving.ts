import type { Address, Clock, Received, ReceiveOptions, Timer } from '@anymq/core/driver';
import type { Delivery } from './delivery.ts';
import type { DriverContext } from './driver-context.ts';
import { decodeMessage } from './encoding.ts';
import { asError, isMissing, RabbitmqError } from './errors.ts';
import type { Feed } from './feed.ts';
import type { Marks } from './marks.ts';

/** A receive with nothing to give ends after so long. */
const longestWaitMs = 15_000;

/** Wakes the one `receive` that waits. */
export class Waiting {
  #wake: ((error?: Error) => void) | undefined;

  get isOn(): boolean {
    return this.#wake !== undefined;
  }

  wake(error?: Error): void {
    this.#wake?.(error);
  }

  /** Resolves when woken, aborted, or after a while; rejects with what it was woken with. */
  wait({ clock }: DriverContext, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (error?: Error): void => {
        this.#wake = undefined;
        clock.clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const abort = (): void => end();
      const timer = clock.setTimeout(abort, longestWaitMs);
      signal.addEventListener('abort', abort, { once: true });
      this.#wake = end;
    });
  }
}

/** Resolves at once when the signal aborts; the work goes on. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Resolves when the work has ended, well or not, or after so long. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  let timer: Timer;
  const late = new Promise<void>((resolve) => (timer = clock.setTimeout(resolve, ms)));
  await Promise.race([Promise.allSettled([work]), late]);
  clock.clearTimeout(timer);
}

export interface Share {
  messages: number;
  bytes: number;
}

export function shareOf({ maxMessages, maxBytes }: ReceiveOptions): Share {
  return { messages: maxMessages, bytes: maxBytes };
}

/** From the front of a feed's buffer, as far as the share goes; a sole message may be larger. */
export function takeFrom(feed: Feed, share: Share, taken: Delivery[]): void {
  let count = 0;
  while (count < feed.buffer.length && share.messages > 0) {
    const delivery = feed.buffer[count] as Delivery;
    const size = delivery.message?.content.length ?? 0;
    if (size > share.bytes && taken.length > 0) {
      share.messages = 0;
      break;
    }
    share.messages -= 1;
    share.bytes -= size;
    delivery.isHeld = true;
    taken.push(delivery);
    count += 1;
  }
  if (count === feed.buffer.length) feed.buffer = [];
  else feed.buffer.splice(0, count);
}

/** What core gets. What is lost meanwhile is left out. */
export async function handOut(
  context: DriverContext,
  from: Address,
  marks: Marks,
  taken: readonly Delivery[],
  buffered: () => readonly Delivery[],
): Promise<readonly Received[]> {
  if (taken.some(isOpenQuestion)) await countRuns(context, marks, [...taken, ...buffered()].filter(isOpenQuestion));
  const { clock } = context;
  const nowMs = clock.now();
  const batch: Received[] = [];
  for (const delivery of taken) {
    if (delivery.message === undefined) continue;
    const received = decodeMessage(delivery.message, nowMs, from.name);
    delivery.id = received.id;
    received.token = delivery;
    received.crashCount = delivery.marks ?? 0;
    received.suspect = delivery.isSuspect;
    received.redelivered = delivery.isRedelivered;
    if (from.ordering === 'key') received.partition = delivery.feed.partition;
    batch.push(received);
  }
  return batch;
}

function isOpenQuestion({ isSuspect, marks }: Delivery): boolean {
  return isSuspect && marks === undefined;
}

/**
 * One question for all suspects that have arrived: nobody else can begin a run of what is ours. Core gets them one by one,
 * and asking for each would cost more than its mark and its run together.
 */
async function countRuns({ tell }: DriverContext, marks: Marks, suspects: readonly Delivery[]): Promise<void> {
  const counts = await marks
    .counts(suspects.map(({ identity }) => identity))
    .catch(tell('counting the runs of suspects'));
  if (counts !== undefined) for (const [index, suspect] of suspects.entries()) suspect.marks = counts[index];
}

/** Of a consumer that had been going: it goes on trying, for somebody may make the queue again. */
export function whileGoing(error: unknown, queue: string): Error {
  if (isMissing(error))
    return new RabbitmqError('NOT_THERE_YET', `The queue '${queue}' is not there at present.`, { cause: error });
  // A channel that the broker closed (an acknowledgement that took longer than it waits) is opened again.
  const { code } = error as { readonly code?: unknown };
  if (code === 406 || code === 405)
    return new RabbitmqError('CONNECTION_LOST', 'The broker closed the channel.', { cause: error });
  return asError(error);
}

export async function markAll(marks: Marks, deliveries: readonly Delivery[]): Promise<void> {
  const unmarked = deliveries.filter(({ result, markedAs }) => result === undefined && markedAs === undefined);
  if (unmarked.length === 0) return;
  const identities = unmarked.map(({ identity }) => identity);
  await marks.add(identities);
  for (const [index, delivery] of unmarked.entries()) delivery.markedAs = identities[index];
}

export function disconnected({ failure }: Feed): Error {
  return failure ?? new RabbitmqError('CONNECTION_LOST', 'The channel of the consumer has closed.');
}
