import { crashMemoryDriver } from '@anymq/memory';
import { expect, test } from 'vitest';
import {
  app,
  createBench,
  failure,
  ids,
  join,
  must,
  ordered,
  outgoing,
  provisioned,
  queue,
  send,
  topic,
} from './support.ts';

const states = (
  received: readonly { readonly id: string; readonly crashCount: number; readonly suspect?: boolean | undefined }[],
): unknown[] => received.map(({ id, crashCount, suspect }) => [id, crashCount, suspect]);

test('a lease that ran out gives the delivery back to its place', async () => {
  const { driver, clock } = createBench();
  const one = await provisioned(driver());
  await send(
    one,
    queue,
    ['a', 'b', 'c'].map((id) => outgoing(id)),
  );
  const member = await join(one, queue);
  const [a, b] = await member.take(2);
  await clock.advance(9000);
  await member.extendLease([must(b).token]);
  await clock.advance(1000);
  expect(member.lost).toEqual([{ ids: ['a'], reason: 'expired' }]);
  expect(await member.settle([must(a), must(b)])).toEqual([{ ok: false, reason: 'lost' }, { ok: true }]);
  expect(ids(await member.take())).toEqual(['a', 'c']);
  await member.extendLease([must(a).token, must(b).token]);
  expect(member.lost).toHaveLength(2);
});

test('a delivery that is alone or marked is charged with the death of its holder; the others are suspects', async () => {
  const { driver, clock } = createBench();
  const one = await provisioned(driver());
  await send(
    one,
    queue,
    ['a', 'b'].map((id) => outgoing(id)),
  );
  const member = await join(one, queue);
  const [a] = await member.take();
  await member.markStarted?.([must(a).token]);
  await clock.advance(10_000);
  expect(states(await member.take())).toEqual([
    ['a', 1, true],
    ['b', 0, true],
  ]);
  await clock.advance(10_000);
  const alone = await member.take(1);
  expect(states(alone)).toEqual([['a', 1, true]]);
  await clock.advance(10_000);
  const again = await member.take();
  expect(states(again)).toEqual([
    ['a', 2, true],
    ['b', 0, true],
  ]);
  await member.markStarted?.(again.map(({ token }) => token));
  await member.settle(again, { kind: 'release', delayMs: 0 });
  expect(states(await member.take())).toEqual([
    ['a', 2, false],
    ['b', 0, false],
  ]);
});

test('after a crash every call rejects, and what was in hand goes to others at once', async () => {
  const { driver } = createBench();
  const [one, two] = [await provisioned(driver()), driver()];
  await send(
    one,
    queue,
    ['a', 'b'].map((id) => outgoing(id)),
  );
  const [member, other] = [await join(one, queue), await join(two, queue)];
  const received = await member.take(1);
  await member.markStarted?.([must(received[0]).token]);
  const waiting = (await join(one, app)).receive({ signal: new AbortController().signal, maxMessages: 1, maxBytes: 1 });
  crashMemoryDriver(one);
  crashMemoryDriver(one);
  const isNotConnected = (error: unknown): boolean => one.classifyError(error).code === 'NOT_CONNECTED';
  await expect(waiting).rejects.toSatisfy(isNotConnected);
  await expect(member.settle(received)).rejects.toSatisfy(isNotConnected);
  await expect(one.check()).rejects.toSatisfy(isNotConnected);
  await expect(send(one, queue, [outgoing('c')])).rejects.toSatisfy(isNotConnected);
  expect(states(await other.take())).toEqual([
    ['a', 1, true],
    ['b', 0, false],
  ]);
  expect(member.lost).toEqual([]);
  await member.close();
});

test('two receivers of a driver that crashes hand nothing to each other', async () => {
  const { driver } = createBench();
  const [one, two] = [await provisioned(driver()), driver()];
  await send(
    one,
    queue,
    ['a', 'b'].map((id) => outgoing(id)),
  );
  await (await join(one, queue)).take();
  const waiting = (await join(one, queue)).receive({
    signal: new AbortController().signal,
    maxMessages: 1,
    maxBytes: 1,
  });
  crashMemoryDriver(one);
  await expect(waiting).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  expect(states(await (await join(two, queue)).take())).toEqual([
    ['a', 0, true],
    ['b', 0, true],
  ]);
});

test('closing gives back, uncharged', async () => {
  const { driver, clock } = createBench();
  const one = await provisioned(driver());
  await send(one, queue, [outgoing('a')]);
  const member = await join(one, queue);
  await member.take();
  await Promise.all([member.close(), member.close()]);
  expect(clock.pending).toBe(0);
  expect(await member.take()).toEqual([]);
  expect(states(await (await join(one, queue)).take())).toEqual([['a', 0, false]]);
});

test('what was recorded of a held message shows after a crash', async () => {
  const { driver, clock } = createBench();
  const [one, two] = [await provisioned(driver()), driver()];
  await send(one, ordered, [outgoing('a', { key: 'k' })]);
  const member = await join(one, ordered);
  const [received] = await member.take();
  const heldUntil = clock.now() + 5000;
  await member.recordHeld?.([{ token: must(received).token, attempt: 3, heldUntil, failure }]);
  crashMemoryDriver(one);
  expect(await (await join(two, ordered)).take()).toMatchObject([{ id: 'a', attempt: 3, heldUntil, failure }]);
});

test('on an ordered destination a lost lease takes what follows in the partition along', async () => {
  const { driver, clock } = createBench();
  const one = await provisioned(driver());
  await send(
    one,
    ordered,
    ['a', 'b'].map((id) => outgoing(id, { key: 'k' })),
  );
  const member = await join(one, ordered);
  await member.take(1);
  await clock.advance(5000);
  await member.take(1);
  await clock.advance(5000);
  expect(member.lost).toEqual([{ ids: ['a', 'b'], reason: 'expired' }]);
  expect(ids(await member.take())).toEqual(['a', 'b']);
});

test('a member whose leases ran out, and who does not receive, gives up its partitions', async () => {
  const { driver, clock } = createBench();
  const [one, two] = [await provisioned(driver()), driver()];
  const [frozen, other] = [await join(one, ordered), await join(two, ordered)];
  await send(
    one,
    ordered,
    Array.from({ length: 20 }, (_, index) => outgoing(String(index), { key: `k${index}` })),
  );
  await frozen.take();
  expect(await other.take()).toEqual([]);
  await clock.advance(10_000);
  expect(await other.take()).toHaveLength(20);
});

test('partitions spread over members, and move when their deliveries are settled', async () => {
  const { driver } = createBench();
  const one = await provisioned(driver());
  const messages = Array.from({ length: 40 }, (_, index) => outgoing(String(index), { key: `k${index}` }));
  await send(one, ordered, messages.slice(0, 20));
  const first = await join(one, ordered);
  const held = await first.take();
  const partitionsHeld = new Set(held.map(({ partition }) => partition));
  expect(partitionsHeld.size).toBe(4);
  const second = await join(driver(), ordered);
  expect(await second.take()).toEqual([]);
  const revoked = new Set(first.revoking);
  const moving = held.filter(({ id }) => revoked.has(id));
  expect(new Set(moving.map(({ partition }) => partition)).size).toBe(2);
  await send(one, ordered, messages.slice(20));
  const moved = new Set(moving.map(({ partition }) => partition));
  expect((await first.take()).every(({ partition }) => !moved.has(partition))).toBe(true);
  await first.settle(moving.slice(1));
  await first.settle(moving.slice(0, 1), { kind: 'release', delayMs: 0 });
  const taken = await second.take();
  expect(new Set(taken.map(({ partition }) => partition))).toEqual(moved);
  expect(taken.find(({ partition }) => partition === must(moving[0]).partition)?.id).toBe(must(moving[0]).id);
  await second.close();
  const back = await first.take();
  expect(new Set(ids(back))).toEqual(new Set(ids(taken)));
});

test('paused partitions are left out', async () => {
  const { driver } = createBench();
  const one = await provisioned(driver());
  await send(
    one,
    ordered,
    Array.from({ length: 20 }, (_, index) => outgoing(String(index), { key: `k${index}` })),
  );
  const member = await join(one, ordered);
  const pausedPartitions = new Set([0, 2]);
  const some = await member.take(100, { pausedPartitions });
  expect(some.every(({ partition }) => partition === 1 || partition === 3)).toBe(true);
  expect(some.length + (await member.take()).length).toBe(20);
});

test('without ordered scale-out the members stand by for the first', async () => {
  const { driver } = createBench();
  const options = { capabilities: { orderedScaleOut: false } } as const;
  const one = await provisioned(driver(options));
  const [first, second] = [await join(one, ordered), await join(driver(options), ordered)];
  await first.take();
  await second.take();
  await send(
    one,
    ordered,
    Array.from({ length: 20 }, (_, index) => outgoing(String(index), { key: `k${index}` })),
  );
  expect(await second.take()).toEqual([]);
  expect(await first.take()).toHaveLength(20);
  await first.close();
  expect(await second.take()).toHaveLength(20);
});

test('a topic group of an ordered topic is assigned by itself', async () => {
  const { driver } = createBench();
  const one = driver();
  const address = { ...topic, name: 'ordered-topic', ordering: 'key', partitions: 2 } as const;
  await one.provision(
    {
      destinations: [
        {
          address,
          groups: [
            { name: 'a', startAt: 'latest' },
            { name: 'b', startAt: 'latest' },
          ],
        },
      ],
    },
    'create',
  );
  await send(one, address, [outgoing('1', { key: 'x' })]);
  expect(ids(await (await join(one, { ...address, group: 'a' })).take())).toEqual(['1']);
  expect(ids(await (await join(one, { ...address, group: 'b' })).take())).toEqual(['1']);
});
