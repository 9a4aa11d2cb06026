import { type Address, type OutgoingMessage, partitionOf, type SendOutcome, type Sender } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import { type Argument, encodeMessage } from './encoding.ts';
import { RedisStreamsError } from './errors.ts';
import { keysOf } from './keys.ts';
import { send } from './scripts/sending.ts';

/** Sends to one destination. A batch is one script: it is stored as a whole or not at all. */
export function createSender(context: DriverContext, to: Address): Sender {
  const keys = keysOf(context.namespace, to);
  const scriptKeys = [keys.meta, keys.delayed, ...keys.streams];
  const toPartition = createPartitioner(to);
  return {
    async sendBatch(messages, { signal }) {
      if (signal.aborted) throw new RedisStreamsError('ABORTED', 'The send was aborted.');
      const nowMs = context.clock.now();
      const partitions = messages.map(toPartition);
      const args = [
        to.kind,
        horizon(to, nowMs),
        ...messages.flatMap((message, index) => argumentsOf(message, partitions[index] ?? 0, nowMs)),
      ];
      const ids = (await context.connection.run(send, scriptKeys, args)) as readonly string[];
      await confirm(context);
      return messages.map((message, index) =>
        outcomeOf(message, ids[index] ?? '', to.ordering === 'key' ? partitions[index] : undefined),
      );
    },
    async close() {},
  };
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

function argumentsOf(message: OutgoingMessage, partition: number, nowMs: number): Argument[] {
  const fields = encodeMessage(message);
  const { dueAt } = message;
  return [partition, dueAt === undefined || dueAt <= nowMs ? '' : dueAt, fields.length, ...fields];
}

function outcomeOf({ id }: OutgoingMessage, entry: string, partition: number | undefined): SendOutcome {
  return { ok: true, receipt: entry === '' ? { id, partition } : { id, partition, sequence: entry } };
}

/** Waits for replicas, or for the disk, where that was asked for. */
async function confirm({ connection, wait: { replicas, aof, timeoutMs } }: DriverContext): Promise<void> {
  if (replicas === 0 && aof === 0) return;
  const reached =
    aof > 0
      ? ((await connection.call('waitaof', aof, replicas, timeoutMs)) as readonly number[])
      : [aof, (await connection.call('wait', replicas, timeoutMs)) as number];
  if ((reached[0] ?? 0) >= aof && (reached[1] ?? 0) >= replicas) return;
  throw new RedisStreamsError('TIMEOUT', 'Not as many replicas or disks as asked for confirmed the send in time.');
}
