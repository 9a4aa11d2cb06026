import type { ClientFactory, Destroyable, KafkaProducer } from './client.ts';
import type { KafkaRecord } from './protocol.ts';
import { closedByUs, createProducer } from './client.ts';
import { KafkaDriverError } from './errors.ts';

/** A record and where it goes. */
export interface Write {
  readonly topic: string;
  readonly record: KafkaRecord;
}

/** How far a list of writes came: the first ones, in order, are stored; with an error the rest is not, or it is not known. */
export interface Written {
  readonly offsets: readonly (string | undefined)[];
  readonly error?: unknown;
}

/** kafkajs becomes quadratic above it, and a partition's part of a request has to stay below the broker's limit for a batch. */
const maxRecords = 500;
const maxBytes = 900_000;
const maxProducers = 4;

/**
 * Idempotent producers. Each carries one request at a time: after a lost answer kafkajs would give the sequence numbers of
 * what it does not know about to the next request, and the broker would take that for a repeat and drop it. For the same
 * reason a producer that has failed is never used again.
 */
export class Writer {
  readonly #factory: ClientFactory;
  readonly #idle: Session[] = [];
  readonly #waiting: ((session: Session | undefined) => void)[] = [];
  #count = 0;
  #closed = false;
  readonly #busy = new Set<Promise<unknown>>();

  constructor(factory: ClientFactory) {
    this.#factory = factory;
  }

  /** Never rejects. Records of one partition are stored in order. */
  async write(writes: readonly Write[]): Promise<Written> {
    const rounds = roundsOf(writes);
    const offsets: (string | undefined)[] = [];
    for (const round of rounds) {
      try {
        offsets.push(...(await this.#track(this.#writeRound(round))));
      } catch (error) {
        return { offsets, error };
      }
    }
    return { offsets };
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
    await Promise.allSettled(this.#busy);
    await Promise.all(this.#idle.splice(0).map((session) => session.close()));
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#busy.add(work);
    try {
      return await work;
    } finally {
      this.#busy.delete(work);
    }
  }

  async #writeRound(round: readonly Write[]): Promise<readonly (string | undefined)[]> {
    const session = await this.#acquire();
    try {
      const offsets = await session.send(round);
      this.#release(session);
      return offsets;
    } catch (error) {
      this.#count--;
      this.#waiting.shift()?.(undefined);
      await session.close();
      throw error;
    }
  }

  async #acquire(): Promise<Session> {
    for (;;) {
      if (this.#closed) throw new KafkaDriverError('CLOSED', 'The driver is closed.');
      const idle = this.#idle.pop();
      if (idle !== undefined) return idle;
      if (this.#count < maxProducers) return this.#open();
      const session = await new Promise<Session | undefined>((resolve) => this.#waiting.push(resolve));
      if (session !== undefined) return session;
    }
  }

  async #open(): Promise<Session> {
    this.#count++;
    try {
      return await Session.open(this.#factory);
    } catch (error) {
      this.#count--;
      this.#waiting.shift()?.(undefined);
      throw error;
    }
  }

  #release(session: Session): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(session);
    else next(session);
  }
}

/** One producer and its sockets. */
class Session {
  readonly #producer: KafkaProducer;
  readonly #sockets: Set<Destroyable>;

  private constructor(producer: KafkaProducer, sockets: Set<Destroyable>) {
    this.#producer = producer;
    this.#sockets = sockets;
  }

  static async open(factory: ClientFactory): Promise<Session> {
    const sockets = new Set<Destroyable>();
    const session = new Session(
      createProducer(factory, (socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      }),
      sockets,
    );
    try {
      await session.#producer.connect();
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  async send(round: readonly Write[]): Promise<readonly (string | undefined)[]> {
    const byTopic = Map.groupBy(round, ({ topic }) => topic);
    const topicMessages = [...byTopic].map(([topic, writes]) => ({
      topic,
      messages: writes.map(({ record }) => record),
    }));
    const stored = await this.#producer.sendBatch({ acks: -1, topicMessages });
    const next = new Map(
      stored.map(({ topicName, partition, baseOffset }) => [`${topicName}/${partition}`, Number(baseOffset ?? -1)]),
    );
    return round.map(({ topic, record: { partition } }) => {
      const name = `${topic}/${partition}`;
      const offset = next.get(name);
      // What goes to a partition that was added since it last asked, kafkajs drops in silence. The next producer asks.
      if (offset === undefined)
        throw new KafkaDriverError('NOT_CONNECTED', `The client does not know ${topic}'s partition ${partition} yet.`);
      next.set(name, offset + 1);
      return offset < 0 ? undefined : String(offset);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy(closedByUs);
    await this.#producer.disconnect();
  }
}

/** Cuts where the part of one partition would become too large, so that a failure leaves a clean beginning. */
export function roundsOf(writes: readonly Write[]): readonly (readonly Write[])[] {
  const rounds: Write[][] = [];
  let round: Write[] = [];
  let sizes = new Map<string, { records: number; bytes: number }>();
  for (const write of writes) {
    const name = `${write.topic}/${write.record.partition}`;
    const bytes = sizeOf(write);
    const size = sizes.get(name) ?? { records: 0, bytes: 0 };
    if (size.records > 0 && (size.records >= maxRecords || size.bytes + bytes > maxBytes)) {
      rounds.push(round);
      round = [];
      sizes = new Map();
    }
    const before = sizes.get(name);
    sizes.set(name, { records: (before?.records ?? 0) + 1, bytes: (before?.bytes ?? 0) + bytes });
    round.push(write);
  }
  return round.length === 0 ? rounds : [...rounds, round];
}

function sizeOf({ record: { key, value, headers } }: Write): number {
  let bytes = 64 + value.byteLength + (key === null ? 0 : key.length);
  for (const name of Object.keys(headers)) bytes += name.length + 2 * (headers[name]?.length ?? 0) + 4;
  return bytes;
}
