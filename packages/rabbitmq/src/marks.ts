import { createHash, randomUUID } from 'node:crypto';
import { sleep } from '@anymq/core/driver';
import type { AmqpChannel, AmqpMessage } from './client.ts';
import type { DriverContext } from './driver-context.ts';
import { isDown, isMissing, RabbitmqError } from './errors.ts';
import { markStream } from './names.ts';
import { unlessAborted } from './receiving.ts';

const withinMs = 10_000;
/** How often a log that is down is looked for. */
const upAgainMs = 100;
const prefetch = 1000;
const acknowledgeEvery = 100;
const streamOptions = {
  durable: true,
  arguments: {
    'x-queue-type': 'stream',
    'x-max-age': '7D',
    'x-max-length-bytes': 16_000_000,
    'x-stream-max-segment-size-bytes': 1_000_000,
  },
};

/** What a line of the log says of a message, or, in the last case, that its writer has read all that was there. */
type Kind = '+' | '-' | '0' | '?';

/**
 * How often a marked run was begun and not ended, per suspect. The broker's own count would not do: it rises for everything
 * that was merely fetched. It is a log that all members write to and read from its beginning, a stream; made when the first
 * suspect runs, and read once there is one.
 */
export class Marks {
  readonly #context: DriverContext;
  readonly #stream: string;
  readonly #runs = new Map<string, number>();
  /** Who waits to have read so far. */
  readonly #questions = new Map<string, () => void>();
  readonly #withdrawals = new Set<Promise<void>>();
  #making: Promise<void> | undefined;
  #reading: Promise<AmqpChannel | undefined> | undefined;
  #isClosed = false;

  constructor(context: DriverContext, queue: string) {
    this.#context = context;
    this.#stream = markStream(queue);
  }

  /** For each, in order. Includes all that was durable before the call, whoever wrote it. */
  async counts(identities: readonly string[]): Promise<readonly number[]> {
    await Promise.all(this.#withdrawals);
    const channel = await (this.#reading ??= this.#read());
    if (channel === undefined) this.#reading = undefined;
    else await this.#catchUp();
    return identities.map((identity) => this.#runs.get(hashOf(identity)) ?? 0);
  }

  /** Durable when it resolves. */
  async add(identities: readonly string[]): Promise<void> {
    this.#making ??= this.#make();
    await this.#making;
    await this.#write('+', identities.map(hashOf));
  }

  /** Its process has survived the run. */
  takeBack(identity: string): Promise<void> {
    return this.#withdraw('-', identity);
  }

  /** The message is settled. */
  clear(identity: string): Promise<void> {
    return this.#withdraw('0', identity);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const channel = await this.#reading?.catch(() => undefined);
    await channel?.close().catch(this.#context.tell('closing the channel of marks'));
  }

  /** What is left over only makes the message die a little sooner should it ever be suspected again; it expires. */
  #withdraw(kind: Kind, identity: string): Promise<void> {
    const work = this.#write(kind, [hashOf(identity)])
      .catch(this.#context.tell('taking the mark of a run away'))
      .finally(() => this.#withdrawals.delete(work));
    this.#withdrawals.add(work);
    return work;
  }

  async #write(kind: Kind, subjects: readonly string[]): Promise<void> {
    const { publisher, clock } = this.#context;
    const lines = subjects.map((subject) => ({
      exchange: '',
      routingKey: this.#stream,
      content: Buffer.from(kind + subject),
      options: { persistent: true, mandatory: true },
    }));
    const failure = (await publisher.publishWithin(clock, withinMs, lines)).find((result) => result !== undefined);
    if (failure === undefined) return;
    // Somebody may have removed it.
    this.#making = undefined;
    throw new RabbitmqError('NO_CONFIRMATION', 'The mark of a run was not confirmed.', { cause: failure });
  }

  async #make(): Promise<void> {
    try {
      const { publishing } = this.#context;
      await this.#whenUp(() => publishing.onChannel((channel) => channel.assertQueue(this.#stream, streamOptions)));
    } catch (error) {
      this.#making = undefined;
      throw error;
    }
  }

  /** Undefined: there is no log, so nothing was marked. */
  async #read(): Promise<AmqpChannel | undefined> {
    try {
      return await this.#whenUp(() => this.#consume());
    } catch (error) {
      this.#reading = undefined;
      if (isMissing(error) && !isDown(error)) return undefined;
      throw error;
    }
  }

  /** After the start of its broker a log is not up at once. */
  async #whenUp<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#context;
    for (const until = clock.now() + withinMs; ; await sleep(clock, upAgainMs)) {
      try {
        return await work();
      } catch (error) {
        if (!isDown(error) || this.#isClosed || clock.now() >= until) throw error;
      }
    }
  }

  async #consume(): Promise<AmqpChannel> {
    const channel = await this.#context.consuming.channel();
    await channel.prefetch(prefetch);
    const options = { arguments: { 'x-stream-offset': 'first' } };
    await channel.consume(this.#stream, (message) => this.#onMessage(channel, message), options);
    // The end of one that could not be read, and is tried again, forgets nothing.
    channel.on('close', () => this.#forget());
    return channel;
  }

  async #catchUp(): Promise<void> {
    const question = randomUUID();
    const late = new AbortController();
    const timer = this.#context.clock.setTimeout(() => late.abort(), withinMs);
    try {
      const answered = new Promise<void>((resolve) => this.#questions.set(question, resolve));
      await this.#write('?', [question]);
      await unlessAborted(answered, late.signal);
      if (this.#reading === undefined || late.signal.aborted)
        throw new RabbitmqError('CONNECTION_LOST', 'The marks of runs could not be read.');
    } finally {
      this.#questions.delete(question);
      this.#context.clock.clearTimeout(timer);
    }
  }

  #onMessage(channel: AmqpChannel, message: AmqpMessage | null): void {
    if (message === null) {
      channel.close().catch(this.#context.tell('closing the channel of marks'));
      return;
    }
    const line = message.content.toString();
    this.#apply(line[0] as Kind, line.slice(1));
    const { deliveryTag = 0 } = message.fields;
    if (deliveryTag % acknowledgeEvery === 0 && !this.#isClosed) channel.ack({ fields: { deliveryTag } }, true);
  }

  #apply(kind: Kind, subject: string): void {
    const runs = this.#runs.get(subject) ?? 0;
    if (kind === '?') this.#questions.get(subject)?.();
    else if (kind === '+') this.#runs.set(subject, runs + 1);
    else if (kind === '-' && runs > 1) this.#runs.set(subject, runs - 1);
    else this.#runs.delete(subject);
  }

  /** The channel has gone: the log is read again, from its beginning. */
  #forget(): void {
    this.#reading = undefined;
    this.#runs.clear();
    for (const answer of this.#questions.values()) answer();
  }
}

/** The same for every delivery of one message, and of one length, whatever its id is. */
function hashOf(identity: string): string {
  return createHash('sha256').update(identity).digest('base64url');
}
