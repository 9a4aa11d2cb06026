import { describe, expect, test } from 'vitest';
import type { BatchConsumerOptions, BatchHandler } from '../../src/consume-types.ts';
import { reject, retryLater } from '../../src/outcome.ts';
import { deferred, settle, type Deferred } from './rest.ts';
import { received } from './scripted-driver.ts';
import { batchStage, type Scene, type Stage } from './stage.ts';

type Outcomes = Awaited<ReturnType<BatchHandler<unknown>>>;
interface Batch {
  readonly ids: readonly string[];
  readonly signal: AbortSignal;
  readonly ended: Deferred<Outcomes>;
}

/** A batch handler of which every run ends when, and as, the test says. */
async function batches(
  options: BatchConsumerOptions = {},
  scene: Scene = {},
): Promise<Stage & { readonly runs: unknown; readonly batches: Batch[] }> {
  const started: Batch[] = [];
  const made = await batchStage(
    async (deliveries, { signal }) => {
      const batch = { ids: deliveries.map(({ message }) => message.id), signal, ended: deferred<Outcomes>() };
      started.push(batch);
      return await batch.ended.promise;
    },
    { maxMessages: 3, maxWaitMs: 100, ...options },
    scene,
  );
  made.driver.overshoots = true;
  return { ...made, batches: started };
}
const ids = (started: readonly Batch[]): string[] => started.map((batch) => batch.ids.join());
const some = (...names: readonly string[]) => names.map((name) => received(name));

describe('a batch', () => {
  test('starts when it is full, or when its first message has waited long enough', async () => {
    const { driver, batches: started, clock } = await batches({ concurrency: 2 });
    driver.deliver(...some('a', 'b', 'c', 'd'));
    await settle();
    expect(ids(started)).toEqual(['a,b,c']);
    await clock.advance(99);
    expect(ids(started)).toEqual(['a,b,c']);
    await clock.advance(1);
    expect(ids(started)).toEqual(['a,b,c', 'd']);
  });

  test('is settled by one outcome for each, or all at once', async () => {
    const { driver, batches: started, clock } = await batches();
    driver.deliver(...some('a', 'b', 'c'));
    await settle();
    started[0]?.ended.resolve([undefined, reject('no'), retryLater(10)]);
    await settle();
    expect(driver.outcomes).toEqual(['acknowledge a', 'deadLetter b', 'retry c']);
    driver.deliver(...some('d', 'e'));
    await clock.advance(100);
    started[1]?.ended.resolve(undefined);
    await settle();
    expect(driver.outcomes.slice(3)).toEqual(['acknowledge d', 'acknowledge e']);
  });

  test.each<[string, (batch: Batch) => void]>([
    ['throws', ({ ended }) => ended.reject(new Error('no'))],
    ['answers too short', ({ ended }) => ended.resolve([undefined])],
    ['answers with something else', ({ ended }) => ended.resolve(null as unknown as undefined)],
  ])('that %s runs again one by one, each for itself', async (_, end) => {
    const { driver, batches: started } = await batches();
    driver.deliver(...some('a', 'b', 'c'));
    await settle();
    end(started[0] as Batch);
    await settle();
    expect(ids(started)).toEqual(['a,b,c', 'a']);
    started[1]?.ended.resolve(undefined);
    await settle();
    started[2]?.ended.reject(new Error('no'));
    await settle();
    started[3]?.ended.resolve(undefined);
    await settle();
    expect(ids(started)).toEqual(['a,b,c', 'a', 'b', 'c']);
    expect(driver.outcomes).toEqual(['acknowledge a', 'retry b', 'acknowledge c']);
  });

  test('that is rerun does not run what was lost meanwhile', async () => {
    const { driver, batches: started } = await batches();
    const [a, b, c] = [received('a'), received('b'), received('c')];
    driver.deliver(a, b, c);
    await settle();
    driver.lose(b);
    started[0]?.ended.reject(new Error('no'));
    await settle();
    started[1]?.ended.resolve(undefined);
    await settle();
    started[2]?.ended.resolve(undefined);
    await settle();
    expect(ids(started)).toEqual(['a,b,c', 'a', 'c']);
    expect(driver.outcomes).toEqual(['acknowledge a', 'acknowledge c']);
  });

  test('that is rerun when the consumer stops gives back what has not had its turn', async () => {
    for (const ordered of [false, true]) {
      const { driver, batches: started, consumer } = await batches({}, { ordered });
      driver.deliver(...['a', 'b', 'c'].map((id) => received(id, { key: id })));
      await settle();
      started[0]?.ended.reject(new Error('no'));
      await settle();
      const stopped = consumer.stop();
      started[1]?.ended.resolve(undefined);
      await stopped;
      expect(ids(started)).toEqual(['a,b,c', 'a']);
      expect(driver.outcomes).toEqual(['acknowledge a', 'release b', 'release c']);
    }
  });

  test('leaves out what cannot be decoded', async () => {
    const { driver, batches: started } = await batches();
    driver.deliver(received('a'), received('b', { body: new Uint8Array([0x7b]) }), received('c'));
    await settle();
    expect(ids(started)).toEqual(['a,c']);
    expect(driver.outcomes).toEqual(['deadLetter b']);
  });

  test('with a suspect holds only that', async () => {
    const { driver, batches: started, clock } = await batches({ concurrency: 2 });
    driver.deliver(received('a'), received('s', { suspect: true }), received('b'));
    await settle();
    expect(ids(started)).toEqual(['a']);
    expect(driver.outcomes).toEqual(['release b']);
    started[0]?.ended.resolve(undefined);
    await settle();
    expect(ids(started)).toEqual(['a', 's']);
    driver.deliver(...some('c', 'd', 'e'));
    await clock.advance(1000);
    expect(ids(started)).toEqual(['a', 's']);
    started[1]?.ended.resolve(undefined);
    await clock.advance(1000);
    expect(ids(started)).toEqual(['a', 's', 'c,d,e']);
  });

  test('has a signal that aborts when none of it is ours any more, and at the deadline of a stop', async () => {
    const { driver, batches: started, consumer, clock } = await batches({ concurrency: 2 });
    const [a, b, c] = [received('a'), received('b'), received('c')];
    driver.deliver(a, b, c, ...some('d', 'e', 'f'));
    await settle();
    driver.lose(a, b);
    expect(started[0]?.signal.aborted).toBe(false);
    driver.lose(c);
    expect(started[0]?.signal.reason).toMatchObject({ code: 'LEASE_LOST' });
    const stopped = consumer.stop({ deadlineMs: 1000 });
    await clock.advance(1000);
    await stopped;
    expect(started[1]?.signal.reason).toMatchObject({ code: 'ABORTED' });
    expect(driver.outcomes).toEqual(['release d', 'release e', 'release f']);
    expect(clock.pending).toBe(0);
  });
});

describe('no timer goes round and round', () => {
  const timers = async (clock: Stage['clock'], work: () => Promise<void>): Promise<number> => {
    const before = clock.set;
    await work();
    return clock.set - before;
  };

  test('while all slots are taken', async () => {
    const { driver, batches: started, clock } = await batches({ maxMessages: 2, maxWaitMs: 10 });
    driver.deliver(...some('a', 'b', 'c'));
    const count = await timers(clock, () => clock.advance(5000));
    expect(ids(started)).toEqual(['a,b']);
    expect(count).toBeLessThan(10);
    started[0]?.ended.resolve(undefined);
    await settle();
    expect(ids(started)).toEqual(['a,b', 'c']);
  });

  test('while it is paused, or a suspect waits for its turn', async () => {
    const {
      driver,
      batches: started,
      clock,
      consumer,
    } = await batches({ maxWaitMs: 10, leaseMs: 60_000 }, { ordered: true });
    driver.deliver(received('a', { key: 'k', heldUntil: clock.now() + 1000 }));
    await settle();
    consumer.pause();
    const count = await timers(clock, () => clock.advance(5000));
    expect(started).toHaveLength(0);
    expect(count).toBeLessThan(10);
    consumer.resume();
    await clock.advance(10);
    expect(ids(started)).toEqual(['a']);
  });

  test('after a stop', async () => {
    const { driver, batches: started, clock, consumer } = await batches({ maxMessages: 2, maxWaitMs: 10 });
    driver.deliver(...some('a', 'b', 'c'));
    await settle();
    const stopped = consumer.stop({ deadlineMs: 1000 });
    await clock.advance(1000);
    await stopped;
    started[0]?.ended.resolve(undefined);
    await settle();
    expect(clock.pending).toBe(0);
  });
});
