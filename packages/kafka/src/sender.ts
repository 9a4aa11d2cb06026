import type { Address, OutgoingMessage, Sender, SendOutcome } from '@anymq/core/driver';
import { leadersOf } from './cluster-calls.ts';
import type { DriverContext } from './driver-context.ts';
import { encodeRecord } from './encoding.ts';
import { errorType, KafkaDriverError } from './errors.ts';
import { partitionOfKey } from './murmur2.ts';
import { namesOf } from './names.ts';
import type { Write } from './writer.ts';

/** Sends to one topic of Kafka. What is of one partition is stored whole or, from some message on, not at all. */
export async function createSender(context: DriverContext, to: Address): Promise<Sender> {
  const { main } = namesOf(context.namespace, to);
  const router = new Router(context);

  return {
    async sendBatch(messages, { signal }) {
      if (signal.aborted) throw new KafkaDriverError('ABORTED', 'The send was aborted.');
      const writes = await router.route(main, messages);
      const { offsets, error } = await context.writer.write(writes);
      if (error !== undefined) {
        if (errorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') router.forget(main);
        if (offsets.length === 0) throw error as Error;
      }
      return messages.map((message, index) =>
        outcomeOf(message, writes[index]?.record.partition, offsets, index, error),
      );
    },
    async close() {},
  };
}

function outcomeOf(
  { id }: OutgoingMessage,
  partition: number | undefined,
  offsets: readonly (string | undefined)[],
  index: number,
  error: unknown,
): SendOutcome {
  return index < offsets.length
    ? { ok: true, receipt: { id, partition, offset: offsets[index] } }
    : { ok: false, error };
}

/** Says where messages go. Counts the partitions of a topic when it is first sent to. */
export class Router {
  readonly #context: DriverContext;
  readonly #partitioner = new Partitioner();
  readonly #partitions = new Map<string, number>();

  constructor(context: DriverContext) {
    this.#context = context;
  }

  /** @throws NOT_FOUND */
  async route(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly Write[]> {
    const partitions = this.#partitions.get(topic) ?? (await this.#count(topic));
    const nowMs = this.#context.clock.now();
    const chosen = this.#partitioner.choose(messages, partitions);
    return messages.map((message, index) => ({ topic, record: encodeRecord(message, chosen[index] ?? 0, nowMs) }));
  }

  /** It may have other partitions now. */
  forget(topic: string): void {
    this.#partitions.delete(topic);
  }

  async #count(topic: string): Promise<number> {
    const { link, clock } = this.#context;
    const leaders = await leadersOf(link, topic, clock);
    if (leaders === undefined) throw new KafkaDriverError('NOT_FOUND', `The topic ${topic} does not exist.`);
    this.#partitions.set(topic, leaders.size);
    return leaders.size;
  }
}

/** Keys go where every Kafka client would put them; what has none is spread evenly, a run of each batch to each partition. */
export class Partitioner {
  #next = Math.floor(Math.random() * 1000);

  choose(messages: readonly { readonly key?: string | undefined }[], partitions: number): readonly number[] {
    const run = Math.ceil(messages.length / partitions);
    let unkeyed = 0;
    const chosen = messages.map(({ key }) => {
      if (key !== undefined) return partitionOfKey(Buffer.from(key), partitions);
      return (this.#next + Math.floor(unkeyed++ / run)) % partitions;
    });
    this.#next = (this.#next + Math.ceil(unkeyed / run)) % partitions;
    return chosen;
  }
}
