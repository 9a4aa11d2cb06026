import { entryError, type FailedEntry, isExpiredReceipt } from './errors.ts';

/** One attribute as SQS and SNS take it. */
export interface TextAttribute {
  readonly DataType: 'String';
  readonly StringValue: string;
}

/** A message in the shape of SQS, and of SNS but for the delay. */
export interface SendEntry {
  readonly body: string;
  readonly attributes: Record<string, TextAttribute>;
  /** As SQS counts: body, and names, types and values of the attributes, in UTF-8. */
  readonly bytes: number;
  readonly delaySeconds?: number | undefined;
  readonly groupId?: string | undefined;
  readonly deduplicationId?: string | undefined;
}

/** What became of one entry of a batch. */
export type BatchAnswer =
  | { readonly ok: true; readonly sequence?: string | undefined }
  | { readonly ok: false; readonly error: unknown; readonly isExpired: boolean };

interface BatchOutput {
  readonly Successful?: readonly { readonly Id?: string | undefined; readonly SequenceNumber?: string | undefined }[];
  readonly Failed?: readonly (FailedEntry & { readonly Id?: string | undefined })[];
}

export const maxEntries = 10;
/** Of one message, and of one batch: SQS Developer Guide, quotas. */
export const maxBytes = 1_048_576;

export function batchId(index: number): string {
  return String(index);
}

/** One answer per entry, in order; what the answer leaves out is unknown. */
export function answers(count: number, { Successful = [], Failed = [] }: BatchOutput): readonly BatchAnswer[] {
  const found: BatchAnswer[] = Array.from({ length: count }, () => unanswered);
  for (const { Id, SequenceNumber } of Successful) found[Number(Id)] = { ok: true, sequence: SequenceNumber };
  for (const failed of Failed) {
    const answer = { ok: false, error: entryError(failed), isExpired: isExpiredReceipt(failed) } as const;
    found[Number(failed.Id)] = answer;
  }
  return found;
}

const unanswered: BatchAnswer = { ok: false, error: new Error('The answer lacks an entry.'), isExpired: false };

/** Items in batches of ten and, where they have a size, of 1 MiB; in order. */
export function inBatches<Item>(items: readonly Item[], bytesOf: (item: Item) => number = () => 0): Item[][] {
  const batches: Item[][] = [];
  let batch: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    if (batch.length === maxEntries || (batch.length > 0 && bytes + size > maxBytes)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += size;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/**
 * Any number of items by calls of at most ten: one answer per item, in order. Batches run beside each other, or with `inOrder` one after
 * the other. Rejects when every call was rejected; when only some were, their items have the error.
 */
export async function byBatches<Item>(
  items: readonly Item[],
  call: (batch: readonly Item[]) => Promise<readonly BatchAnswer[]>,
  { bytesOf, inOrder = false }: { readonly bytesOf?: (item: Item) => number; readonly inOrder?: boolean } = {},
): Promise<readonly BatchAnswer[]> {
  const batches = inBatches(items, bytesOf);
  const [only] = batches;
  if (only !== undefined && batches.length === 1) return call(only);
  const settled: PromiseSettledResult<readonly BatchAnswer[]>[] = [];
  const step = inOrder ? 1 : maxAtOnce;
  for (let from = 0; from < batches.length; from += step)
    settled.push(...(await Promise.allSettled(batches.slice(from, from + step).map(call))));
  const failure = settled.find((each) => each.status === 'rejected');
  if (failure !== undefined && settled.every(({ status }) => status === 'rejected')) throw failure.reason;
  return settled.flatMap((each, index) =>
    each.status === 'fulfilled'
      ? each.value
      : (batches[index] ?? []).map(() => ({ ok: false, error: each.reason as unknown, isExpired: false }) as const),
  );
}

const maxAtOnce = 10;
