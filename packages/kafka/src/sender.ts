import type { Address, OutgoingMessage, Sender, SendOutcome } from '@anymq/core/driver';
import { leadersOf } from './cluster-calls.ts';
import type { DriverContext } from './driver-context.ts';
import { encodeRecord } from './encoding.ts';
import { errorType, KafkaDriverError } from './errors.ts';
import { partitionOfKey } from './murmur2.ts';
import { namesOf } from './names.ts';

/** Sends to one topic of Kafka. What is of one partition is stored whole or, from some message on, not at all. */
export async function createSender(context: DriverContext, to: Address): Promise<Sender> {
  const { link, writer, clock, namespace } = context;
  const { main } = namesOf(namespace, to);
  let partitions = 0;
  const partitioner = new Partitioner();

  const count = async (): Promise<number> => {
    const leaders = await leadersOf(link, main, clock);
    if (leaders === undefined) throw new KafkaDriverError('NOT_FOUND', `The topic ${main} does not exist.`);
    return leaders.size;
  };

  return {
    async sendBatch(messages, { signal }) {
      if (signal.aborted) throw new KafkaDriverError('ABORTED', 'The send was aborted.');
      if (partitions === 0) partitions = await count();
      const nowMs = clock.now();
      const chosen = partitioner.choose(messages, partitions);
      const writes = messages.map((message, index) => ({
        topic: main,
        record: encodeRecord(message, chosen[index] ?? 0, nowMs),
      }));
      const { offsets, error } = await writer.write(writes);
      if (error !== undefined) {
        if (errorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') partitions = 0;
        if (offsets.length === 0) throw error as Error;
      }
      return messages.map((message, index) => outcomeOf(message, chosen[index], offsets, index, error));
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
