import { expect, test } from 'vitest';
import type { Classification } from '../../src/driver-interface.ts';
import { connect } from '../../src/index.ts';
import { failure, fakeModule } from '../config/fake-module.ts';

function failing(classifyError?: () => Classification): Promise<Error & { readonly code?: string }> {
  const create = (): Promise<never> => Promise.reject(new Error('no, secret'));
  const module = fakeModule('strict', ['strict'], classifyError === undefined ? { create } : { create, classifyError });
  return failure(() => connect('strict://user:secret@host', { drivers: [module] }));
}

test('why a broker did not let us in is what its adapter says', async () => {
  const error = await failing(() => ({ code: 'UNAUTHENTICATED', retryable: false }));
  expect(error).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false, driver: 'strict' });
  expect(JSON.stringify(error) + String(error)).not.toContain('secret');
});

test('without an answer the broker is not there', async () => {
  expect(await failing()).toMatchObject({ code: 'NOT_CONNECTED', retryable: true });
  expect(await failing(() => ({ code: 'UNKNOWN', retryable: true }))).toMatchObject({ code: 'NOT_CONNECTED' });
});
