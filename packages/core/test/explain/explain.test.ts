import { describe, expect, test } from 'vitest';
import { bytes } from '../../src/codec.ts';
import { defineQueue, defineTopic, type Destination } from '../../src/destination.ts';
import type { DriverModule } from '../../src/driver-interface.ts';
import { type Explanation, explain } from '../../src/explain.ts';
import { failure, fakeModule, noCapabilities, someLimits } from '../config/fake-module.ts';

const all = Object.fromEntries(
  Object.keys(noCapabilities).map((name) => [name, true]),
) as unknown as typeof noCapabilities;
const rich = fakeModule('rich', ['rich'], {
  capabilities: all,
  limits: {
    ...someLimits,
    maxBodyBytes: 1_048_576,
    maxRunMs: Infinity,
    delay: { maxMs: 604_800_000, resolutionMs: 1 },
  },
});
const poor = fakeModule('poor', ['poor']);
const drivers: readonly DriverModule[] = [rich, poor];

async function move(destination: Destination, from: string, to: string): Promise<Explanation> {
  const [explanation] = await explain({ destinations: [destination], from, to, drivers });
  if (explanation === undefined) throw new Error('There is one explanation per destination.');
  return explanation;
}
const orders = defineQueue('orders');

test('between equals everything is kept', async () => {
  const explanation = await move(orders, 'rich://a', 'rich://b');
  expect(explanation).toMatchObject({ destination: 'orders', gains: [], loses: [] });
  expect(explanation.keeps.join('\n')).toMatch(
    /Confirmed sends[^]*Retries[^]*dead letter[^]*Delays[^]*One consumer[^]*History/,
  );
});

test('what one has and the other has not is lost or gained, in opposite directions', async () => {
  const [down, up] = [await move(orders, 'rich://', 'poor://'), await move(orders, 'poor://', 'rich://')];
  expect(down.gains).toEqual([]);
  expect(up.loses).toEqual([]);
  expect(down.loses).toHaveLength(up.gains.length);
  expect(down.loses).toContain("History: retentionMs, seek and startAt: 'earliest' fail with UNSUPPORTED.");
  expect(down.keeps).toEqual(up.keeps);
});

test('limits are told with both bounds', async () => {
  const { loses } = await move(orders, 'rich://', 'poor://');
  expect(loses.join('\n')).toMatch(/256 KiB send fails with TOO_LARGE\. Before: 1024 KiB/);
  expect(loses.join('\n')).toMatch(/hops: beyond 15 min.*Before: 7 d/);
  expect(loses.join('\n')).toMatch(/after 12 h \(maxRunMs\).*Before: no bound/);
  expect((await move(orders, 'poor://', 'rich://')).gains).toContain(
    'Larger bodies: up to 1024 KiB, instead of 256 KiB.',
  );
});

test('ordering is kept, and its scale-out lost; of no interest without ordering', async () => {
  const ordered = defineQueue<string>('orders', { ordering: 'key', key: (body) => body });
  const { keeps, loses } = await move(ordered, 'rich://', 'poor://');
  expect(keeps.join('\n')).toContain('Ordering');
  expect(loses.join('\n')).toContain('Scale-out in order');
  expect(JSON.stringify(await move(orders, 'rich://', 'poor://'))).not.toMatch(/Ordering|Scale-out/);
});

describe('options of the destination that the target refuses', () => {
  test('are lost, even where the source refuses them too', async () => {
    const stock = defineTopic<Uint8Array>('stock', {
      codec: bytes,
      retentionMs: 86_400_000,
      maxBytes: 300_000,
      groups: { website: { filter: { kind: 'a' } }, app: { startAt: 'earliest' } },
    });
    const { keeps, loses } = await move(stock, 'poor://a', 'poor://b');
    expect(keeps).toContain('Every group gets every message.');
    expect(loses).toHaveLength(4);
    expect(loses[0]).toContain('retentionMs (1 d)');
    expect(loses[1]).toContain('(app)');
    expect(loses[2]).toContain('(website)');
    expect(loses[3]).toContain('maxBytes (300000 bytes)');
    expect((await move(stock, 'rich://', 'rich://')).loses).toEqual([]);
  });
});

test('each destination follows its own route', async () => {
  const [first, second] = await explain({
    destinations: [orders, defineQueue('mails')],
    from: { brokers: { a: 'rich://', b: 'poor://' }, routes: { orders: 'a', '*': 'b' } },
    to: 'poor://',
    drivers,
  });
  expect(first?.loses).not.toEqual([]);
  expect(second).toMatchObject({ destination: 'mails', gains: [], loses: [] });
});

test('a configuration that is wrong rejects', async () => {
  const from = { brokers: { a: 'rich://', b: 'poor://' } };
  expect(await failure(() => explain({ destinations: [orders], from, to: 'poor://', drivers }))).toMatchObject({
    code: 'INVALID_OPTION',
  });
});
