import { describe, expect, test } from 'vitest';
import { levelFor, planLevels } from '../src/levels.ts';
import { type Target, waitOf, withWait } from '../src/waits.ts';

const plan = planLevels('shop', 100);
const weekMs = 7 * 24 * 60 * 60 * 1000;

/** As members move it: the times that a message waits on its way, and what core has to wait in the end. */
function follow(delayMs: number): { readonly waits: readonly number[]; readonly restMs: number } {
  const waits: number[] = [];
  let restMs = delayMs;
  for (let level = levelFor(plan, restMs); level !== undefined; level = levelFor(plan, restMs)) {
    waits.push(level.waitMs);
    restMs -= level.waitMs;
  }
  return { waits, restMs };
}

describe('a delay', () => {
  test.each([100, 250, 999, 5000, 300_000, 3_600_000, weekMs])('of %i ms waits as long as it should', (delayMs) => {
    const { waits, restMs } = follow(delayMs);
    expect(waits.reduce((sum, waitMs) => sum + waitMs, restMs)).toBe(delayMs);
    expect(restMs).toBeLessThan(100);
    expect(waits.length).toBeLessThanOrEqual(3 * plan.levels.length);
  });

  test('of less than a unit waits in no level', () => {
    expect(levelFor(plan, 99)).toBeUndefined();
    expect(levelFor(plan, -1)).toBeUndefined();
  });

  test('has a dozen levels for a week', () => {
    expect(plan.levels.map(({ waitMs }) => waitMs).slice(0, 4)).toEqual([100, 400, 1600, 6400]);
    expect(plan.levels).toHaveLength(12);
  });
});

describe('what a waiting message is for', () => {
  const message = (headers: Record<string, unknown>): Parameters<typeof waitOf>[0] => ({
    content: Buffer.alloc(0),
    fields: { exchange: '', routingKey: '' },
    properties: { headers },
  });

  test.each<Target>([{ queue: 'shop_orders' }, { exchange: 'shop "news".ü #*', routingKey: '3' }])(
    'comes back from its header: %o',
    (target) => {
      const wait = { until: 1000, dueAt: 2000, target };
      const { options } = withWait({ content: Buffer.alloc(0), options: { headers: { a: 'b' } } }, wait);
      expect(options.headers).toMatchObject({ a: 'b' });
      expect(waitOf(message({ ...options.headers }))).toEqual(wait);
    },
  );

  test.each([undefined, 7, '', '{}', '[1]', '["1",2,"q"]', '[1,2,3]'])('is unknown where %o is written', (header) => {
    expect(waitOf(message({ 'anymq-wait': header }))).toBeUndefined();
  });
});
