export interface Chunks {
  readonly size: number;
  /** Chunks that are worked on at once. */
  readonly atOnce: number;
}

/** Works on all the items, chunk by chunk, in their order. Rejects with the first failure. */
export async function inChunks<Item>(
  items: readonly Item[],
  { size, atOnce }: Chunks,
  work: (chunk: readonly Item[]) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const start = next;
      next += size;
      await work(items.slice(start, start + size));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
