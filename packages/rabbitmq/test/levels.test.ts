import { describe, expect, test } from 'vitest';
import { deliverPattern, levelOf, planLevels, routeOf } from '../src/levels.ts';

const plan = planLevels('shop', 100);
const weekMs = 7 * 24 * 60 * 60 * 1000;

/** As the broker routes: the times that a message waits on its way, and where it is in the end. */
function follow(units: number): { readonly waitedMs: number; readonly at: string; readonly key: string } {
  const { exchange, routingKey } = routeOf(plan, units, { queue: 'shop_orders' });
  let at = exchange;
  let waitedMs = 0;
  for (let level = plan.levels.find((each) => each.exchange === at); level !== undefined;) {
    const waits = matches(level.waits, routingKey);
    expect(matches(level.passes, routingKey)).toBe(!waits);
    if (waits) waitedMs += level.ttlMs;
    at = level.next;
    level = plan.levels.find((each) => each.exchange === at);
  }
  return { waitedMs, at, key: routingKey };
}

function matches(pattern: string, key: string): boolean {
  const words = pattern
    .split('.')
    .map((word) => (word === '*' ? '[^.]+' : word === '#' ? '.*' : word.replace(/[^\w]/g, '\\$&')));
  return new RegExp(`^${words.join('\\.').replaceAll('\\..*', '(\\..*)?')}$`).test(key);
}

describe('a delay', () => {
  test.each([1, 2, 3, 5, 10, 255, 256, 36_000, 6_048_000])('of %i units waits as long as it should', (units) => {
    expect(follow(units)).toMatchObject({ waitedMs: units * 100, at: plan.deliver });
  });

  test('enters at its highest bit, and everything fits', () => {
    expect(levelOf(plan, 1)).toBe(0);
    expect(levelOf(plan, 5)).toBe(2);
    expect(levelOf(plan, weekMs / 100)).toBe(plan.levels.length - 1);
    expect(levelOf(plan, Number.MAX_SAFE_INTEGER)).toBe(plan.levels.length - 1);
  });

  test('of nothing waits one unit', () => {
    expect(follow(0).waitedMs).toBe(100);
  });
});

describe('a target', () => {
  test('is found by its pattern, and by no other one', () => {
    const { key } = follow(7);
    expect(matches(deliverPattern(plan, { queue: 'shop_orders' }), key)).toBe(true);
    for (const target of [{ queue: 'orders' }, { queue: 'shop_orders_p1' }, { exchange: 'shop_orders' }])
      expect(matches(deliverPattern(plan, target), key)).toBe(false);
  });

  test('of a topic keeps the partition', () => {
    const { routingKey } = routeOf(plan, 7, { exchange: 'shop_news', routingKey: '3' });
    expect(matches(deliverPattern(plan, { exchange: 'shop_news' }), routingKey)).toBe(true);
    expect(routingKey.endsWith('.3')).toBe(true);
  });

  test('may have dots, signs of patterns and a long name', () => {
    for (const queue of ['legacy.orders.*', 'x'.repeat(255), 'Aufträge #1']) {
      const { routingKey } = routeOf(plan, 1, { queue });
      expect(Buffer.byteLength(routingKey)).toBeLessThanOrEqual(255);
      expect(matches(deliverPattern(plan, { queue }), routingKey)).toBe(true);
    }
  });
});
