import type { AmqpChannel, Link } from './client.ts';
import type { DriverContext } from './driver-context.ts';
import { isMissing, RabbitmqError } from './errors.ts';
import { markQueue } from './names.ts';

const forgottenAfterMs = 7 * 24 * 60 * 60 * 1000;
const withinMs = 10_000;

/**
 * How often a run alone was begun and not ended, per suspect. The broker's own count would not do: it rises for everything
 * that was merely fetched. A queue for each suspect, because its length can be asked without taking anything from it.
 */
export class Marks {
  readonly #context: DriverContext;
  readonly #queue: string;

  constructor(context: DriverContext, queue: string) {
    this.#context = context;
    this.#queue = queue;
  }

  async count(identity: string): Promise<number> {
    try {
      return await this.#link.onChannel(
        async (channel) => (await channel.checkQueue(this.#name(identity))).messageCount,
      );
    } catch (error) {
      if (isMissing(error)) return 0;
      throw error;
    }
  }

  /** Durable when it resolves. */
  async add(identity: string): Promise<void> {
    const queue = this.#name(identity);
    await this.#link.onChannel((channel) =>
      channel.assertQueue(queue, {
        durable: true,
        arguments: { 'x-queue-type': 'quorum', 'x-expires': forgottenAfterMs },
      }),
    );
    const options = { persistent: true, mandatory: true };
    const mark = { exchange: '', routingKey: queue, content: Buffer.alloc(0), options };
    const [failure] = await this.#context.publisher.publishWithin(this.#context.clock, withinMs, [mark]);
    if (failure !== undefined)
      throw new RabbitmqError('NO_CONFIRMATION', 'The mark of a run was not confirmed.', { cause: failure });
  }

  /** Its process has survived the run. */
  async takeBack(identity: string): Promise<void> {
    await this.#quietly(async (channel) => {
      const mark = await channel.get(this.#name(identity));
      const { deliveryTag } = mark === false ? {} : mark.fields;
      if (deliveryTag !== undefined) channel.ack({ fields: { deliveryTag } });
    });
  }

  /** The message is settled. */
  async clear(identity: string): Promise<void> {
    await this.#quietly((channel) => channel.deleteQueue(this.#name(identity)));
  }

  /** What is left over only makes the message die a little sooner should it ever be suspected again; it expires. */
  async #quietly(work: (channel: AmqpChannel) => Promise<unknown>): Promise<void> {
    await this.#link.onChannel(work).catch(this.#context.tell('taking the mark of a run away'));
  }

  get #link(): Link {
    return this.#context.publishing;
  }

  #name(identity: string): string {
    return markQueue(this.#queue, identity);
  }
}
