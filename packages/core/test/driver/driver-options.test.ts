import { expect, test } from 'vitest';
import { decodePart, readCommon, readPlace, readQuery, silentLogger, systemClock } from '../../src/driver.ts';

const kinds = { size: 'number', fast: 'flag', label: 'text' } as const;
const query = (text: string): unknown => readQuery('A URL', new URLSearchParams(text), kinds);
const invalid = (message: string): Error => expect.objectContaining({ code: 'INVALID_OPTION', message }) as Error;

test('a query is read by the kind of each option', () => {
  expect(query('size=3&fast=true&label=true')).toEqual({ size: 3, fast: true, label: 'true' });
  expect(query('fast=false')).toEqual({ fast: false });
});

test('what is no number and no flag is left to be refused by name', () => {
  expect(query('size=&fast=perhaps')).toEqual({ size: Number.NaN, fast: 'perhaps' });
});

test('other options are refused, with the known ones', () => {
  const message = "A URL has no option 'sise'. It has: size, fast, label.";
  expect(() => query('sise=3')).toThrow(invalid(message));
  expect(() => query('__proto__=3')).toThrow(/has no option '__proto__'/);
});

test('a place is decoded, and holds what the URL holds', () => {
  expect(readPlace(new URL('x://us%40er:p%3Aw@[::1]:7'), 'no')).toEqual({
    host: '::1',
    port: 7,
    username: 'us@er',
    password: 'p:w',
  });
  expect(readPlace(new URL('x://h'), 'no')).toEqual({ host: 'h' });
});

test('what cannot be decoded is not quoted', () => {
  expect(() => decodePart('secret%ZZ', 'Encode it.')).toThrow(invalid('Encode it.'));
  expect(() => readPlace(new URL('x://u:secret%ZZ@h'), 'Encode it.')).toThrow(invalid('Encode it.'));
});

test('the common options have defaults', () => {
  const usual = { namespace: 'anymq', clock: systemClock, logger: silentLogger, random: Math.random };
  expect(readCommon({})).toEqual(usual);
  expect(readCommon({ namespace: 'shop', clock: undefined })).toEqual({ ...usual, namespace: 'shop' });
});
