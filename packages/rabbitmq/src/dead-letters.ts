import {
  type Address,
  type DeadLetterStore,
  type FailureRecord,
  lost,
  settled,
  type SettleResult,
  type StoredLetter,
  type Token,
} from '@anymq/core/driver';
import type { AmqpMessage } from './client.ts';
import type { Delivery } from './delivery.ts';
import type { DriverContext } from './driver-context.ts';
import { decodeMessage, encodeMessage } from './encoding.ts';
import { asError } from './errors.ts';
import { Feed } from './feed.ts';
import { type Names, namesOf } from './names.ts';
import { Waiting } from './receiving.ts';
import { ship, type Shipment } from './routes.ts';
import { partitionFor } from './sender.ts';

/** Letters of one consumer, which the broker returns in their order. More are looked at by further ones. */
const windowSize = 500;
const arriveWithinMs = 10_000;
const visibleWithinMs = 1000;

/**
 * The dead letters of a queue or a group: taken without an acknowledgement while the store is open, and given back in order
 * when it closes. Meanwhile nobody else sees those that were paged.
 */
export function createDeadLetterStore(context: DriverContext, of: Address): DeadLetterStore {
  const names = namesOf(context.namespace, of);
  const look = new Look(context, names.deadLetters);
  return {
    count: async () => ({ value: await readyIn(context, names.deadLetters), exact: false }),
    async page(cursor, { limit }) {
      if (cursor === undefined) await look.end();
      const letters = await look.next(limit);
      const stored = letters.map((letter) => decodeLetter(letter, context, of));
      return { letters: stored, cursor: letters.length < limit ? undefined : 'next' };
    },
    requeue: (refs) => requeue(context, of, names, refs),
    remove: async (refs) => acknowledge(refs.map((ref) => ({ ref, error: undefined }))),
    close: () => look.end(),
  };
}

async function readyIn({ publishing }: DriverContext, queue: string): Promise<number> {
  return publishing.onChannel(async (channel) => (await channel.checkQueue(queue)).messageCount);
}

/** One walk through the letters, from the oldest. */
class Look {
  readonly #context: DriverContext;
  readonly #queue: string;
  readonly #waiting = new Waiting();
  #feeds: Feed[] = [];
  /** How many letters the feeds still have to bring. */
  #expected = 0;

  constructor(context: DriverContext, queue: string) {
    this.#context = context;
    this.#queue = queue;
  }

  async next(limit: number): Promise<Delivery[]> {
    const letters: Delivery[] = [];
    const { clock } = this.#context;
    const giveUpAt = clock.now() + arriveWithinMs;
    while (letters.length < limit && clock.now() < giveUpAt) {
      const feed = await this.#feed();
      if (feed === undefined) break;
      if (feed.buffer.length === 0) await this.#waitFor(feed);
      const taken = feed.buffer.splice(0, limit - letters.length);
      for (const letter of taken) letter.isHeld = true;
      letters.push(...taken);
    }
    return letters;
  }

  /** What was neither sent back nor removed is a dead letter as before, as soon as this has resolved. */
  async end(): Promise<void> {
    const feeds = this.#feeds.splice(0);
    const left = feeds.reduce((sum, { unsettled }) => sum + unsettled, 0);
    this.#expected = 0;
    // In their order, or it would be lost.
    for (const feed of feeds) await feed.closeInOrder();
    if (left > 0) await this.#untilVisible(left).catch(this.#context.tell('looking whether dead letters are back'));
  }

  /** The one that has some, or is to get some; a further one when all of it was paged; undefined: that was all. */
  async #feed(): Promise<Feed | undefined> {
    const last = this.#feeds.at(-1);
    if (last?.isEnded === true) throw last.failure ?? new Error('The channel closed.');
    if (last !== undefined && (last.buffer.length > 0 || last.arrived < this.#expected)) return last;
    const ready = await readyIn(this.#context, this.#queue);
    if (ready === 0) return undefined;
    this.#expected = Math.min(windowSize, ready);
    const feed = await Feed.open(this.#context.consuming, {
      queue: this.#queue,
      partition: 0,
      onArrival: () => this.#waiting.wake(),
      onEnd: () => this.#waiting.wake(),
    });
    this.#feeds.push(feed);
    await feed.consume(this.#expected);
    return feed;
  }

  async #waitFor(feed: Feed): Promise<void> {
    const late = new AbortController();
    const timer = this.#context.clock.setTimeout(() => late.abort(), arriveWithinMs / 10);
    if (feed.buffer.length === 0) await this.#waiting.wait(this.#context, late.signal);
    this.#context.clock.clearTimeout(timer);
    // Somebody else was quicker: what was counted is not coming any more.
    if (late.signal.aborted) this.#expected = feed.arrived;
  }

  /** The broker takes a moment to put them back, and whoever counts them next must not miss them. */
  async #untilVisible(count: number): Promise<void> {
    const { clock, publishing } = this.#context;
    const giveUpAt = clock.now() + visibleWithinMs;
    await publishing.onChannel(async (channel) => {
      while (clock.now() < giveUpAt) {
        const { messageCount } = await channel.checkQueue(this.#queue);
        if (messageCount >= count) return;
      }
    });
  }
}

/** What core holds of a letter, and the only place where its content is: memory is bounded by what core looks at. */
class LetterRef {
  readonly delivery: Delivery;
  readonly message: AmqpMessage;
  readonly id: string;

  constructor(delivery: Delivery, message: AmqpMessage, id: string) {
    this.delivery = delivery;
    this.message = message;
    this.id = id;
  }
}

function decodeLetter(delivery: Delivery, { clock }: DriverContext, of: Address): StoredLetter {
  const nowMs = clock.now();
  const raw = messageOf(delivery);
  const message = decodeMessage(raw, nowMs, of.name);
  const { id, key, headers, time, type, source, contentType, extensions, body } = message;
  const failure = message.failure ?? unknownFailure(of, nowMs);
  delivery.message = undefined;
  const ref = new LetterRef(delivery, raw, id);
  return { id, key, headers, time, type, source, contentType, extensions, body, ref, failure };
}

/** Somebody else has put it there. */
function unknownFailure(of: Address, nowMs: number): FailureRecord {
  return {
    name: 'Unknown',
    message: '',
    attempts: 1,
    firstFailedAt: nowMs,
    lastFailedAt: nowMs,
    destination: of.name,
    group: of.group,
  };
}

/** As it was sent, at attempt 1, to its group alone. An expiry is left out: it would drop the message that somebody just sent back. */
async function requeue(
  context: DriverContext,
  of: Address,
  names: Names,
  refs: readonly Token[],
): Promise<readonly SettleResult[]> {
  const letters = refs.filter(isLetter).filter(({ delivery }) => delivery.result === undefined);
  const results = await ship(
    context,
    letters.map((letter) => shipmentOf(context, of, names, letter)),
  );
  const errors = new Map(letters.map((letter, index) => [letter, results[index]]));
  return acknowledge(refs.map((ref) => ({ ref, error: isLetter(ref) ? errors.get(ref) : undefined })));
}

function shipmentOf({ clock }: DriverContext, of: Address, { queues }: Names, letter: LetterRef): Shipment {
  const {
    failure: _failure,
    dueAt: _dueAt,
    expiresAt: _expiresAt,
    ...rest
  } = decodeMessage(letter.message, clock.now(), of.name);
  const message = { ...rest, id: letter.id };
  const queue = queues[partitionFor(of, message)] ?? '';
  return { target: { queue }, encoded: encodeMessage(message), dueAt: undefined };
}

function acknowledge(items: readonly { readonly ref: Token; readonly error: Error | undefined }[]): SettleResult[] {
  return items.map(({ ref, error }) => {
    if (!isLetter(ref)) return lost;
    const { delivery } = ref;
    if (delivery.result !== undefined) return delivery.result;
    if (error !== undefined) return { ok: false, reason: 'error', error: asError(error) };
    return delivery.feed.acknowledge([delivery]) ? settled : lost;
  });
}

function isLetter(ref: unknown): ref is LetterRef {
  return ref instanceof LetterRef;
}

function messageOf({ message }: Delivery): AmqpMessage {
  if (message === undefined) throw new TypeError('A letter that is gone has no message.');
  return message;
}
