import { placeholder } from '@anymq/core';
import { expect, test } from 'vitest';

test('a test gets the source of another package', () => {
  expect(placeholder).toBe('core/index');
});
