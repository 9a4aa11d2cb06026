import { expect, test } from 'vitest';
import { inChunks } from '../src/compare/in-chunks.ts';

const items = Array.from({ length: 10 }, (_, index) => index);

test('every item is in one chunk, so many chunks at once and no more', async () => {
  const chunks: (readonly number[])[] = [];
  let running = 0;
  let most = 0;
  await inChunks(items, { size: 3, atOnce: 2 }, async (chunk) => {
    most = Math.max(most, (running += 1));
    await Promise.resolve();
    chunks.push(chunk);
    running -= 1;
  });
  expect(chunks).toEqual([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]);
  expect(most).toBe(2);
});

test('a chunk that fails is told', async () => {
  await expect(inChunks(items, { size: 3, atOnce: 2 }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
});
