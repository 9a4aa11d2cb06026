import { expect, test } from 'vitest';
import { fillEnvironment } from '../../src/config/fill-environment.ts';
import { failure } from './fake-module.ts';

test('fills strings at any depth, and leaves names and other values', () => {
  const parsed = { '${A}': ['x-${A}-${B}', 1, null, true], deep: { url: '${A}' } };
  expect(fillEnvironment(parsed, { A: '1', B: '' })).toEqual({ '${A}': ['x-1-', 1, null, true], deep: { url: '1' } });
});

test('$${ is a plain ${', () => {
  expect(fillEnvironment('a$${A}b${A}', { A: '1' })).toBe('a${A}b1');
});

test('a value injects neither structure nor further variables', () => {
  const value = '", "driver": "evil ${B} $& $1';
  expect(fillEnvironment({ password: '${A}' }, { A: value, B: 'no' })).toEqual({ password: value });
});

test('a missing variable is named with its place, and nothing of the string is shown', async () => {
  const parsed = { brokers: { tasks: 'amqp://user:secret@${HOST}' }, list: [{ a: '' }, { a: '${NOPE}' }] };
  const error = await failure(() => fillEnvironment(parsed, {}));
  expect(error).toMatchObject({ code: 'INVALID_OPTION' });
  expect(error.message).toContain("HOST of the configuration's brokers.tasks");
  expect(error.message).not.toContain('secret');
  expect((await failure(() => fillEnvironment(parsed, { HOST: 'h' }))).message).toContain(
    "NOPE of the configuration's list[1].a",
  );
});

test('what every object inherits is no variable', async () => {
  expect((await failure(() => fillEnvironment('${toString}', {}))).message).toContain('toString');
});
