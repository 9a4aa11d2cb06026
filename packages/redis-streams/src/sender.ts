import { type Address, type OutgoingMessage, partitionOf, type SendOutcome, type Sender } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import { type Argument, encodeMessage } from './encoding.ts';
import { classifyError, RedisStreamsError } from './errors.ts';
import { keysOf } from './keys.ts';
import { send } from './scripts/sending.ts';

/** Sends to one destination. A batch is one script: it is stored as a whole or not at all. */
export function createSender(context: DriverContext, to: Address): Sender {
  const keys = keysOf(context.namespace, to);
  const scriptKeys = [keys.meta, keys.delayed, ...keys.streams];
  const toPartition = createPartitioner(to);
  const isPlain = to.kind === 'queue' && to.retentionMs === undefined;

  const append = async (
    messages: readonly OutgoingMessage[],
    partitions: readonly number[],
  ): Promise<readonly string[]> => {
    const nowMs = context.clock.now();
    const [first] = messages;
    if (isPlain && messages.length === 1 && first !== undefined && !isDelayed(first, nowMs)) {
      return [await appendOne(context, keys.streams[partitions[0] ?? 0] ?? '', first)];
    }
    const args: Argument[] = [to.kind, horizon(to, nowMs)];
    let before: readonly Argument[] = [];
    for (const [index, message] of messages.entries()) {
      const fields = encodeMessage(message);
      const due = isDelayed(message, nowMs) ? message.dueAt : undefined;
      pushChanges(args, `${partitions[index] ?? 0} ${due ?? '-'}`, fields, before);
      before = fields;
    }
    return ((await context.sending.run(send, scriptKeys, args)) as string).split(' ');
  };

  return {
    // What is written cannot be taken back, so the signal, which costs more than it seems, is not read.
    async sendBatch(messages) {
      const partitions = messages.map(toPartition);
      const { generation } = context.sending;
      const ids = await append(messages, partitions);
      await confirm(context, generation);
      const isOrdered = to.ordering === 'key';
      return messages.map((message, index) =>
        outcomeOf(message, ids[index] ?? '', isOrdered ? partitions[index] : undefined),
      );
    },
    async close() {},
  };
}

/** A script would cost more than the command. */
async function appendOne({ sending }: DriverContext, stream: string, message: OutgoingMessage): Promise<string> {
  return (await sending.call('xadd', stream, '*', ...encodeMessage(message))) as string;
}

function isDelayed({ dueAt }: OutgoingMessage, nowMs: number): boolean {
  return dueAt !== undefined && dueAt > nowMs;
}

/** What has no key is spread evenly. */
export function createPartitioner({
  ordering,
  partitions,
}: Address): (message: { readonly key?: string | undefined }) => number {
  let sent = 0;
  if (ordering !== 'key') return () => 0;
  return ({ key }) => {
    if (key !== undefined) return partitionOf(key, partitions);
    sent += 1;
    return sent % partitions;
  };
}

/** Ids before this one are older than the history. */
function horizon({ retentionMs }: Address, nowMs: number): string {
  return retentionMs === undefined ? '' : `${Math.max(0, nowMs - retentionMs)}-0`;
}

/** The shape of a message, and those of its fields that are not as in the one before. */
function pushChanges(to: Argument[], place: string, fields: readonly Argument[], before: readonly Argument[]): void {
  const at = to.length;
  let shape = `${place} ${fields.length}`;
  to.push(shape);
  for (const [index, field] of fields.entries()) {
    if (field === before[index]) continue;
    shape += ` ${index + 1}`;
    to.push(field);
  }
  to[at] = shape;
}

function outcomeOf({ id }: OutgoingMessage, entry: string, partition: number | undefined): SendOutcome {
  return { ok: true, receipt: entry === '' ? { id, partition } : { id, partition, sequence: entry } };
}

/** Waits for replicas, or for the disk, where that was asked for: of what this connection has written. */
async function confirm({ sending, wait }: DriverContext, generation: number): Promise<void> {
  const { replicas, aof, timeoutMs } = wait;
  if (replicas === 0 && aof === 0) return;
  try {
    const reached =
      aof > 0
        ? ((await sending.call('waitaof', aof, replicas, timeoutMs)) as readonly number[])
        : [aof, (await sending.call('wait', replicas, timeoutMs)) as number];
    // Over a new connection the answer would be about nothing.
    const isOurs = sending.generation === generation;
    if (isOurs && (reached[0] ?? 0) >= aof && (reached[1] ?? 0) >= replicas) return;
  } catch (error) {
    throw new RedisStreamsError(classifyError(error).code, 'What was stored could not be waited for.', 'unknown');
  }
  throw new RedisStreamsError('TIMEOUT', 'Not as many replicas or disks as asked for confirmed the send in time.');
}
