import type { FetchedPartition, FetchedRecord } from './protocol.ts';

/** The key of the control record that ends an aborted transaction: version 0, type 0. */
const abortMarker = Buffer.from([0, 0, 0, 0]);

/** Records from an offset on, without control records and what a transaction wrote that was aborted. */
export function* visibleRecords(
  { messages, abortedTransactions }: FetchedPartition,
  from: number,
): Iterable<FetchedRecord> {
  const aborted = (abortedTransactions ?? [])
    .map(({ producerId, firstOffset }) => ({ producerId, from: Number(firstOffset) }))
    .toSorted((a, b) => a.from - b.from);
  const aborting = new Set<string>();
  for (const record of messages) {
    const offset = Number(record.offset);
    while ((aborted[0]?.from ?? Infinity) <= offset) aborting.add(aborted.shift()?.producerId ?? '');
    const { producerId = '', inTransaction = false } = record.batchContext ?? {};
    if (record.isControlRecord === true) {
      if (record.key?.equals(abortMarker) === true) aborting.delete(producerId);
    } else if (offset >= from && !(inTransaction && aborting.has(producerId))) yield record;
  }
}
