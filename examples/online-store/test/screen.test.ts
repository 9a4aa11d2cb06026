import { expect, test } from 'vitest';
import { shorten, wrap } from '../src/format.ts';
import { bar, Screen } from '../src/screen.ts';

function screenOn(out: { isTTY?: boolean }, silent = false) {
  const written: string[] = [];
  const output = { ...out, write: (text: string) => void written.push(text) };
  return {
    written,
    screen: new Screen({ out: output, silent, progress: () => ({ done: 1, total: 4 }), now: () => 0 }),
  };
}

test('a terminal gets a bar below the story', () => {
  const { screen, written } = screenOn({ isTTY: true });
  screen.startBar();
  screen.tell('half way');
  screen.stopBar();
  expect(written.join('')).toContain('\u001b[2K  0.0 s  half way\n');
  expect(written.at(0)).toContain('[##########..............................]  25%  1 of 4');
  expect(written.at(-1)).toBe('\r\u001b[2K');
});

test('what is no terminal gets the story alone', () => {
  const { screen, written } = screenOn({});
  screen.startBar();
  screen.tell('half way', ['a detail']);
  screen.stopBar();
  expect(written).toEqual(['  0.0 s  half way\n         a detail\n']);
});

test('--json gets neither', () => {
  const { screen, written } = screenOn({ isTTY: true }, true);
  screen.startBar();
  screen.tell('half way');
  screen.stopBar();
  expect(written).toEqual([]);
});

test('the bar at its ends', () => {
  expect(bar({ done: 0, total: 0 })).toContain('100%');
  expect(bar({ done: 1234, total: 1234 })).toBe(`[${'#'.repeat(40)}] 100%  1,234 of 1,234`);
});

test('text is wrapped, lists are shortened', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(shorten(['a', 'b'], 2)).toEqual(['a', 'b']);
  expect(shorten(['a', 'b', 'c', 'd'], 2)).toEqual(['a', 'b', '… and 2 more']);
});
