import { AnymqError, silentLogger, systemClock, type Token } from '@anymq/core/driver';
import { createMemoryBroker, createMemoryDriver, memory, sharedMemoryBroker, writeForeignMessage } from '@anymq/memory';
import { expect, test } from 'vitest';
import {
  acknowledge,
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
  turns,
  web,
} from './support.ts';

test('messages come in order, within maxMessages and maxBytes, at least one', async () => {
  const { driver } = createBench();
  const one = await provisioned(driver());
  await send(
    one,
    queue,
    ['a', 'b', 'c', 'd'].map((id) => outgoing(id, { body: new Uint8Array(100) })),
  );
  const member = await join(one, queue);
  expect(ids(await member.take(1))).toEqual(['a']);
  expect(ids(await member.take(100, { maxBytes: 250 }))).toEqual(['b', 'c']);
  expect(ids(await member.take(100, { maxBytes: 1 }))).toEqual(['d']);
});

test('higher priority first, expired never', async () => {
  const { driver, clock, broker } = createBench();
  const one = await provisioned(driver());
  const soon = clock.now() + 100;
  await send(one, queue, [
    outgoing('low', { priority: 0 }),
    outgoing('usual'),
    outgoing('gone', { expiresAt: soon }),
    outgoing('high', { priority: 9, expiresAt: soon + 100 }),
  ]);
  await clock.advance(100);
  expect(await one.inspect(queue)).toMatchObject({ backlog: { value: 3 } });
  expect(ids(await (await join(one, queue)).take())).toEqual(['high', 'usual', 'low']);
  expect(broker.expired).toBe(1);
});

test('on an ordered destination priority does not break the order of a key', async () => {
  const { driver } = createBench();
  const one = await provisioned(driver());
  await send(one, ordered, [outgoing('a', { key: 'k', priority: 0 }), outgoing('b', { key: 'k', priority: 9 })]);
  expect(ids(await (await join(one, ordered)).take())).toEqual(['a', 'b']);
});

test('a body is nobody else’s: neither the sender nor a handler can change it', async () => {
  const { driver } = createBench();
  const one = await provisioned(driver());
  const body = new Uint8Array([1, 2, 3]);
  await send(one, topic, [outgoing('a', { body })]);
  body.fill(0);
  const [first] = await (await join(one, app)).take();
  first?.body.fill(9);
  const [second] = await (await join(one, web)).take();
  expect([...(second?.body ?? [])]).toEqual([1, 2, 3]);
});

test('waiting receives are served in turn, without polling, and end when aborted or after 20 s', async () => {
  const { driver, clock } = createBench();
  const one = await provisioned(driver());
  const members = [await join(one, queue, 60_000), await join(one, queue, 60_000), await join(one, queue, 60_000)];
  const controller = new AbortController();
  const results = members.map((member) =>
    member.receive({ signal: controller.signal, maxMessages: 1, maxBytes: 1e6 }).then(ids),
  );
  expect(clock.pending).toBe(1);
  await send(one, queue, [outgoing('a'), outgoing('b')]);
  expect(await Promise.all(results.slice(0, 2))).toEqual([['a'], ['b']]);
  await clock.advance(20_000);
  expect(await results[2]).toEqual([]);
});

test('each group gets its copy of what its filter lets through; without a group a message is gone', async () => {
  const { driver, broker } = createBench();
  const one = driver();
  const groups = [
    { name: 'app', startAt: 'latest', filter: { tenant: ['a', 'b'], kind: 'x' } },
    { name: 'web', startAt: 'latest' },
  ] as const;
  await one.provision({ destinations: [{ address: topic, groups: [] }] }, 'create');
  await send(one, topic, [outgoing('gone')]);
  expect(broker.pending).toBe(0);
  await one.provision({ destinations: [{ address: topic, groups }] }, 'create');
  await send(one, topic, [
    outgoing('1', { headers: { tenant: 'a', kind: 'x' } }),
    outgoing('2', { headers: { tenant: 'c', kind: 'x' } }),
    outgoing('3'),
  ]);
  expect(ids(await (await join(one, app)).take())).toEqual(['1']);
  expect(ids(await (await join(one, web)).take())).toEqual(['1', '2', '3']);
});

test('a retry copy goes to its group alone, when it is due; a letter comes back as it was sent, at the tail', async () => {
  const { driver, clock } = createBench();
  const one = await provisioned(driver());
  const sent = outgoing('a', {
    key: 'k',
    headers: { h: '1' },
    priority: 7,
    extensions: { subject: 's' },
    contentType: 'x/y',
  });
  await send(one, topic, [sent]);
  const [member, other] = [await join(one, app), await join(one, web)];
  await other.settle(await other.take());
  await member.settle(await member.take(), { kind: 'retry', attempt: 2, dueAt: clock.now() + 50, failure });
  await clock.advance(49);
  expect(await member.take()).toEqual([]);
  await clock.advance(1);
  const second = await member.take();
  expect(second[0]).toMatchObject({ ...sent, attempt: 2, failure, redelivered: false });
  await member.settle(second, { kind: 'deadLetter', failure });
  const store = await one.openDeadLetters(app);
  const { letters } = await store.page(undefined, { limit: 10 });
  expect(letters).toMatchObject([{ id: 'a', key: 'k', headers: { h: '1' }, failure }]);
  await send(one, topic, [outgoing('b', { priority: 7 })]);
  const refs = letters.map(({ ref }) => ref);
  expect(await store.requeue(refs)).toEqual([{ ok: true }]);
  expect(await store.requeue(refs)).toEqual([{ ok: true }]);
  const third = await member.take();
  expect(ids(third)).toEqual(['b', 'a']);
  expect(third[1]).toMatchObject({ ...sent, attempt: 1, failure: undefined, dueAt: undefined });
  expect(ids(await other.take())).toEqual(['b']);
  expect((await store.count()).value).toBe(0);
});

test('a dead letter that somebody else has sent back or removed meanwhile is lost, and goes back once', async () => {
  const { driver } = createBench();
  const one = await provisioned(driver());
  await send(one, queue, [outgoing('a')]);
  const member = await join(one, queue);
  await member.settle(await member.take(), { kind: 'deadLetter', failure });
  const [first, second] = [await one.openDeadLetters(queue), await one.openDeadLetters(queue)];
  const refsOf = async (store: typeof first): Promise<readonly Token[]> =>
    (await store.page(undefined, { limit: 10 })).letters.map(({ ref }) => ref);
  const [mine, theirs] = [await refsOf(first), await refsOf(second)];
  expect(await first.requeue(mine)).toEqual([{ ok: true }]);
  expect(await second.requeue(theirs)).toEqual([{ ok: false, reason: 'lost' }]);
  expect(await second.remove(theirs)).toEqual([{ ok: false, reason: 'lost' }]);
  expect(await first.requeue(mine)).toEqual([{ ok: true }]);
  expect(ids(await member.take())).toEqual(['a']);
});

test('dead letters are paged, oldest first, also while some are removed', async () => {
  const { driver } = createBench();
  const one = await provisioned(driver());
  await send(
    one,
    queue,
    Array.from({ length: 25 }, (_, index) => outgoing(String(index))),
  );
  const member = await join(one, queue);
  await member.settle(await member.take(), { kind: 'deadLetter', failure });
  const store = await one.openDeadLetters(queue);
  const seen: string[] = [];
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await store.page(cursor, { limit: 4 });
    seen.push(...ids(page.letters));
    await store.remove(page.letters.slice(0, 3).map(({ ref }) => ref));
    cursor = page.cursor;
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => String(index)));
  expect(await store.count()).toEqual({ value: 25 - 19, exact: true });
});

test('what is released goes back to its place, uncharged, after its delay', async () => {
  const { driver, clock } = createBench();
  const one = await provisioned(driver());
  await send(
    one,
    queue,
    ['a', 'b', 'c'].map((id) => outgoing(id)),
  );
  const member = await join(one, queue);
  const [a, b] = await member.take(2);
  await member.settle([must(b)], { kind: 'release', delayMs: 0 });
  await member.settle([must(a)], { kind: 'release', delayMs: 100 });
  const now = await member.take();
  expect(ids(now)).toEqual(['b', 'c']);
  expect(now[0]).toMatchObject({ attempt: 1, crashCount: 0, suspect: false, redelivered: true });
  await send(one, queue, [outgoing('d')]);
  await clock.advance(100);
  expect(ids(await member.take())).toEqual(['a', 'd']);
});

test('a delay beyond maxDelayMs comes early, with its due time', async () => {
  const { driver, clock } = createBench();
  const one = await provisioned(driver({ maxDelayMs: 1000 }));
  expect(one.limits.delay.maxMs).toBe(1000);
  const dueAt = clock.now() + 5000;
  await send(one, queue, [outgoing('a', { dueAt })]);
  expect(await one.inspect(queue)).toMatchObject({ backlog: { value: 0 }, delayed: { value: 1 } });
  await clock.advance(1000);
  expect(await (await join(one, queue)).take()).toMatchObject([{ id: 'a', dueAt }]);
});

test('settling is for the holder alone, and answers as it did before', async () => {
  const { driver, broker } = createBench();
  const one = await provisioned(driver());
  await send(one, queue, [outgoing('a')]);
  const [member, other] = [await join(one, queue), await join(one, queue)];
  const received = await member.take();
  expect(await other.settle(received)).toEqual([{ ok: false, reason: 'lost' }]);
  expect(await member.settleBatch([{ token: 'unknown', outcome: acknowledge }])).toEqual([
    { ok: false, reason: 'lost' },
  ]);
  expect(await member.settle(received)).toEqual([{ ok: true }]);
  expect(await member.settle(received, { kind: 'release', delayMs: 0 })).toEqual([{ ok: true }]);
  expect(broker.pending).toBe(0);
});

test('a seek without a history keeps what waits and is not skipped', async () => {
  const { driver, clock } = createBench();
  const one = driver();
  const group = { ...topic, group: 'app' };
  await one.provision({ destinations: [{ address: topic, groups: [{ name: 'app', startAt: 'latest' }] }] }, 'create');
  await send(one, topic, [outgoing('a')]);
  await clock.advance(1000);
  await send(one, topic, [outgoing('b')]);
  await one.seek?.(group, 'earliest');
  expect(await one.inspect(group)).toMatchObject({ backlog: { value: 2 } });
  await one.seek?.(group, new Date(clock.now()));
  const member = await join(one, group);
  expect(ids(await member.take())).toEqual(['b']);
  await member.close();
  await one.seek?.(group, 'latest');
  expect(await one.inspect(group)).toMatchObject({ backlog: { value: 0 } });
  await one.close();
});

test('history: seek and a new group read it again; retries, letters and delayed messages stay', async () => {
  const { driver, clock } = createBench();
  const one = driver();
  const kept = { ...topic, retentionMs: 10_000 };
  const group = { ...kept, group: 'app' };
  await one.provision({ destinations: [{ address: kept, groups: [{ name: 'app', startAt: 'latest' }] }] }, 'create');
  await send(one, kept, [outgoing('a')]);
  await clock.advance(5000);
  const middle = new Date(clock.now());
  await send(one, kept, [outgoing('b'), outgoing('c', { dueAt: clock.now() + 8000 })]);
  const member = await join(one, group);
  const both = await member.take();
  await member.settle([must(both[0])]);
  await member.settle([must(both[1])], { kind: 'retry', attempt: 2, dueAt: 0 });
  await expect(one.seek?.(group, 'earliest')).rejects.toSatisfy(
    (error) => one.classifyError(error).code === 'CONFLICT',
  );
  await member.close();
  await one.seek?.(group, 'earliest');
  expect(await one.inspect(group)).toMatchObject({ backlog: { value: 3 }, delayed: { value: 1 } });
  await one.seek?.(group, middle);
  const again = await join(one, group);
  expect((await again.take()).map(({ id, attempt }) => [id, attempt])).toEqual([
    ['b', 2],
    ['b', 1],
  ]);
  await again.close();
  await one.provision({ destinations: [{ address: kept, groups: [{ name: 'web', startAt: 'earliest' }] }] }, 'create');
  const late = await join(one, { ...kept, group: 'web' });
  expect(ids(await late.take())).toEqual(['a', 'b']);
  await clock.advance(8000);
  expect(ids(await late.take())).toEqual(['c']);
  await late.close();
  await one.seek?.({ ...kept, group: 'web' }, 'earliest');
  expect(await one.inspect({ ...kept, group: 'web' })).toMatchObject({ backlog: { value: 2 } }); // 'a' has outlived the retention
  await one.seek?.({ ...kept, group: 'web' }, 'latest');
  expect(await one.inspect({ ...kept, group: 'web' })).toMatchObject({ backlog: { value: 0 } });
});

test('the retention is for all: what waits longer is gone, too', async () => {
  const { driver, clock, broker } = createBench();
  const one = driver();
  const kept = { ...queue, retentionMs: 1000 };
  await one.provision({ destinations: [{ address: kept, groups: [] }] }, 'create');
  await send(one, kept, [outgoing('a')]);
  await clock.advance(1001);
  expect(await one.inspect(kept)).toMatchObject({ backlog: { value: 0 } });
  expect([broker.expired, broker.pending]).toEqual([1, 0]);
});

test('provision makes what is missing, and reports what differs', async () => {
  const { driver } = createBench();
  const one = driver({ namespace: 'shop' });
  const plan = { destinations: [{ address: topic, groups: [{ name: 'app', startAt: 'latest' }] }] } as const;
  expect(await one.provision(plan, 'assume')).toEqual({ created: [], differences: [] });
  expect(await one.provision(plan, 'validate')).toEqual({
    created: [],
    differences: ['shop_changes does not exist; a topic was asked for.'],
  });
  expect(await one.provision(plan, 'create')).toEqual({
    created: ['shop_changes', 'shop_changes_app'],
    differences: [],
  });
  expect(await one.provision(plan, 'create')).toEqual({ created: [], differences: [] });
  const other = {
    destinations: [
      {
        address: { ...topic, ordering: 'key', retentionMs: 5000 },
        groups: [
          { name: 'app', startAt: 'latest', filter: { a: '1' } },
          { name: 'web', startAt: 'latest' },
        ],
      },
    ],
  } as const;
  expect((await one.provision(other, 'validate')).differences).toEqual([
    'shop_changes has ordering none; key was asked for.',
    'shop_changes has retentionMs none; 5000 was asked for.',
    'shop_changes_app has filter none; [["a","1"]] was asked for.',
    'shop_changes_web does not exist; a group was asked for.',
  ]);
  expect(one.physicalNames?.(app)).toEqual({
    topic: 'shop_changes',
    group: 'shop_changes_app',
    deadLetters: 'shop_changes_app_dead',
  });
});

test('namespaces do not meet; what is removed is gone, and its receivers hear of it', async () => {
  const { driver, broker } = createBench();
  const [one, two] = [await provisioned(driver({ namespace: 'a' })), await provisioned(driver({ namespace: 'b' }))];
  await send(one, queue, [outgoing('x'), outgoing('y')]);
  expect(await two.inspect(queue)).toMatchObject({ backlog: { value: 0 } });
  const member = await join(one, queue);
  await member.take(1);
  await one.remove(queue);
  await one.remove(queue);
  await turns();
  expect(member.lost).toEqual([{ ids: ['x'], reason: 'revoked' }]);
  expect(broker.pending).toBe(0);
  await expect(member.take()).rejects.toSatisfy((error) => one.classifyError(error).code === 'NOT_FOUND');
  await expect(send(one, queue, [outgoing('z')])).rejects.toSatisfy(
    (error) => one.classifyError(error).outcome === 'not-sent',
  );
});

test('capabilities can be switched off, and only off', async () => {
  const bare = createMemoryDriver({ capabilities: { history: false, transactions: false, exactBacklog: false } });
  await provisioned(bare);
  expect(bare.capabilities).toMatchObject({ history: false, priority: true });
  expect(bare.capabilities.history satisfies false).toBe(false);
  expect(bare).not.toHaveProperty('seek');
  expect(await join(bare, queue)).not.toHaveProperty('beginTransaction');
  expect((await bare.inspect(queue)).backlog.exact).toBe(false);
  expect(() => createMemoryDriver({ capabilities: { deduplication: true as never } })).toThrow(AnymqError);
  expect(() => createMemoryDriver({ capabilities: { speed: false } as never })).toThrow("no option 'speed'");
});

test('memory: is private, memory:NAME is shared within the process', async () => {
  const context = { namespace: 'n', logger: silentLogger, clock: systemClock, random: Math.random };
  const open = (url: string) => memory.create(memory.parseUrl(url), context);
  const [a, b, c] = await Promise.all([
    open('memory:driver-test?maxDelayMs=1000'),
    open('memory:driver-test'),
    open('memory:'),
  ]);
  expect([a.limits.delay.maxMs, b.limits.delay.maxMs]).toEqual([1000, 604_800_000]);
  await provisioned(a);
  await send(b, queue, [outgoing('x')]);
  expect(sharedMemoryBroker('driver-test')?.pending).toBe(1);
  await expect(send(c, queue, [outgoing('x')])).rejects.toMatchObject({ code: 'NO_SUCH_DESTINATION' });
  for (const url of ['memory:a b', 'memory:x?speed=1', 'redis:'])
    expect(() => memory.parseUrl(url)).toThrow(AnymqError);
  await expect(open('memory:?maxDelayMs=soon')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  expect(() => createMemoryDriver({ broker: {} as never })).toThrow(AnymqError);
});

test('a message of another program gets id and time from the broker', async () => {
  const { driver, clock, broker } = createBench();
  const one = await provisioned(driver());
  writeForeignMessage(broker, 'anymq_orders', {
    body: new Uint8Array([7]),
    key: 'k',
    headers: { tenant: 'a', 'anymq-attempt': '1e9' },
  });
  const [received] = await (await join(one, queue)).take();
  expect(received).toMatchObject({
    key: 'k',
    headers: { tenant: 'a' },
    attempt: 1_000_000,
    time: new Date(clock.now()),
  });
  expect(received?.id).toMatch(/^memory-\d+$/);
});

test('a key stays in its partition, and messages without a key are spread', async () => {
  const { driver } = createBench();
  const one = await provisioned(driver());
  await send(
    one,
    ordered,
    Array.from({ length: 40 }, (_, index) => outgoing(String(index), { key: `k${index % 5}` })),
  );
  await send(
    one,
    ordered,
    Array.from({ length: 4 }, (_, index) => outgoing(`free${index}`)),
  );
  const received = await (await join(one, ordered)).take();
  for (const key of ['k0', 'k1', 'k2', 'k3', 'k4']) {
    const ofKey = received.filter((message) => message.key === key);
    expect(ids(ofKey).map(Number)).toEqual(Array.from({ length: 8 }, (_, index) => index * 5 + Number(key[1])));
    expect(new Set(ofKey.map(({ partition }) => partition)).size).toBe(1);
  }
  expect(new Set(received.filter(({ key }) => key === undefined).map(({ partition }) => partition)).size).toBe(4);
});

test('a broker without messages leaves no timer', async () => {
  const { driver, clock } = createBench();
  const one = await provisioned(driver());
  await send(one, queue, [outgoing('a'), outgoing('b', { dueAt: clock.now() + 10 })]);
  const member = await join(one, queue);
  await member.settle(await member.take());
  await clock.advance(10);
  await member.settle(await member.take());
  expect(clock.pending).toBe(0);
  expect(createMemoryBroker().pending).toBe(0);
});
