import * as core from '@anymq/core';
import { expect, test } from 'vitest';

test('a test gets the source of another package, never its build', async () => {
  const source: unknown = await import(new URL('../../core/src/index.ts', import.meta.url).pathname);
  expect(core).toBe(source);
});
