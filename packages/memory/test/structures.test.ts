import { expect, test } from 'vitest';
import { BodyStore, copyBodies } from '../src/body-store.ts';
import { Heap } from '../src/heap.ts';
import { Ring } from '../src/ring.ts';
import { must } from './support.ts';

function numbers(count: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => (state = (Math.imul(state, 48_271) >>> 0) % 2_147_483_647));
}

test('a heap gives the smallest first', () => {
  const heap = new Heap<number>((a, b) => a < b);
  const items = numbers(1000);
  for (const item of items) heap.push(item);
  heap.removeWhere((item) => item % 3 === 0);
  const out = [];
  for (let item = heap.pop(); item !== undefined; item = heap.pop()) out.push(item);
  expect(out).toEqual(items.filter((item) => item % 3 !== 0).sort((a, b) => a - b));
  expect([heap.size, heap.peek()]).toEqual([0, undefined]);
});

test('a ring is first in, first out, through growth and wrap-around', () => {
  const ring = new Ring<number>();
  const model: number[] = [];
  const outputs: [number | undefined, number | undefined][] = [];
  for (const [index, item] of numbers(20_000).entries()) {
    if (item % 5 < (index < 12_000 ? 3 : 2)) {
      ring.push(item);
      model.push(item);
    } else {
      outputs.push([ring.shift(), model.shift()]);
    }
    expect(ring.size).toBe(model.length);
  }
  expect([...ring]).toEqual(model);
  expect(outputs.every(([given, expected]) => given === expected)).toBe(true);
  while (model.length > 0) expect(ring.shift()).toBe(model.shift());
  expect([ring.shift(), ring.peek(), ring.size]).toEqual([undefined, undefined, 0]);
});

test('bodies are copied apart, whatever their sizes and places', () => {
  const store = new BodyStore();
  const bodies = numbers(3000).map((number) =>
    new Uint8Array(number % 100 === 0 ? 20_000 + (number % 50_000) : number % 300).fill(number),
  );
  const places = bodies.map((body) => {
    const start = store.put(body);
    return { slab: store.slab, start, length: body.length };
  });
  const shuffled = places.map((place, index) => ({ place, body: bodies[index] })).filter((_, index) => index % 7 !== 0);
  const copies = copyBodies(
    shuffled.map(({ place }) => place),
    new BodyStore(),
  );
  expect(copies.map((copy) => Buffer.from(copy).toString('base64'))).toEqual(
    shuffled.map(({ body }) => Buffer.from(must(body)).toString('base64')),
  );
  must(copies[0]).fill(0);
  expect(bodies[1]).toEqual(copyBodies([must(places[1])], new BodyStore())[0]);
});
