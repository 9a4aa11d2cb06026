import { describe, expect, test } from 'vitest';
import { decodeReply, encodeCommand, ReplyCutter } from '../src/resp.ts';

const blob = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]);
};
const list = (...items: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from(`*${items.length}\r\n`), ...items]);
const line = (text: string): Buffer => Buffer.from(`${text}\r\n`);
const entry = (id: string, ...fields: readonly (string | Buffer)[]): Buffer =>
  list(blob(id), list(...fields.map((field) => blob(field))));
const noText = Buffer.from([0xff, 0x00, 0x0d, 0x0a]);

const replies = {
  null: line('*-1'),
  'a null blob': line('$-1'),
  'an empty blob': blob(''),
  'an empty list': line('*0'),
  number: line(':42'),
  'a negative number': line(':-7'),
  words: line('+OK'),
  entries: list(
    list(
      blob('stream'),
      list(
        entry('1-0', 'ce_id', 'a', 'data', '{}', 'h:é', 'grüße\r\n$3\r\n'),
        entry('1-1', 'ce_id', 'b', 'data', noText, 'h:é', noText),
        entry('1-2'),
        list(blob('1-3'), line('*-1')),
      ),
    ),
  ),
} as const;
const all = Buffer.concat(Object.values(replies));

function cut(pieces: readonly Buffer[]): readonly string[] {
  const found: string[] = [];
  const cutter = new ReplyCutter((reply) => found.push(reply.toString('latin1')));
  for (const piece of pieces) cutter.push(piece);
  return found;
}

describe('what a server sends', () => {
  const whole = Object.values(replies).map((reply) => reply.toString('latin1'));

  test('is cut into the same replies, wherever the network cuts it in two', () => {
    for (let at = 0; at <= all.length; at += 1) {
      expect(cut([all.subarray(0, at), all.subarray(at)]), `cut at ${at}`).toEqual(whole);
    }
  });

  test('is cut into the same replies when it comes byte by byte', () => {
    expect(cut(Array.from(all, (_, at) => all.subarray(at, at + 1)))).toEqual(whole);
  });

  test.each([
    ['null', null],
    ['a null blob', null],
    ['an empty blob', ''],
    ['an empty list', []],
    ['number', 42],
    ['a negative number', -7],
    ['words', 'OK'],
  ] as const)('is decoded: %s', (name, value) => {
    expect(decodeReply(replies[name])).toEqual(value);
  });

  test('is decoded: entries, whose bodies are bytes, and so is what is no text', () => {
    const [[stream, entries]] = decodeReply(replies.entries, 'data') as [[string, [string, unknown[] | null][]]];
    expect(stream).toBe('stream');
    expect(entries.map(([id]) => id)).toEqual(['1-0', '1-1', '1-2', '1-3']);
    expect(entries[0]?.[1]).toEqual(['ce_id', 'a', 'data', new Uint8Array([123, 125]), 'h:é', 'grüße\r\n$3\r\n']);
    expect(entries[1]?.[1]?.slice(0, 4)).toEqual(['ce_id', 'b', 'data', new Uint8Array(noText)]);
    expect(entries[1]?.[1]?.[5]).toEqual(noText);
    expect(entries.slice(2).map(([, fields]) => fields)).toEqual([[], null]);
  });

  test('is decoded: texts in the same place that differ in length or in one letter', () => {
    const texts = ['same', 'same', 'sane', 'sam', 'samee', 'ſame', 'same'];
    const decoded = decodeReply(list(...texts.map((text) => list(blob(text), blob(text)))));
    expect(decoded).toEqual(texts.map((text) => [text, text]));
  });

  test('is thrown, when it is an error', () => {
    expect(() => decodeReply(line('-NOGROUP No such key'))).toThrow('NOGROUP No such key');
  });

  test('does not share its memory with a body', () => {
    const reply = Buffer.from(list(blob('data'), blob('body')));
    const [, body] = decodeReply(reply, 'data') as [string, Uint8Array];
    reply.fill(0);
    expect(Buffer.from(body).toString()).toBe('body');
  });
});

test('a command is written with the lengths of its bytes', () => {
  expect(encodeCommand(['xread', 'count', 1, 'grüße'])).toBe(
    '*4\r\n$5\r\nxread\r\n$5\r\ncount\r\n$1\r\n1\r\n$7\r\ngrüße\r\n',
  );
});
