import type { DriverTransaction, Receiver, Token } from '@anymq/core/driver';
import { expect, test } from 'vitest';
import { app, createBench, ids, join, must, ordered, outgoing, provisioned, queue, send, turns } from './support.ts';

test('a dropped confirmation: stored, and unknown to the sender', async () => {
  const { driver, broker } = createBench();
  const one = await provisioned(driver());
  broker.faults.dropConfirmation();
  await expect(send(one, queue, [outgoing('a')])).rejects.toSatisfy((error) => {
    const { code, outcome, retryable } = one.classifyError(error);
    return code === 'TIMEOUT' && outcome === 'unknown' && retryable;
  });
  await send(one, queue, [outgoing('b')]);
  expect(ids(await (await join(one, queue)).take())).toEqual(['a', 'b']);
});

test('a failed send: not stored', async () => {
  const { driver, broker } = createBench();
  const one = await provisioned(driver());
  broker.faults.failSend({ times: 2 });
  for (const id of ['a', 'b'])
    await expect(send(one, queue, [outgoing(id)])).rejects.toSatisfy(
      (error) => one.classifyError(error).outcome === 'not-sent',
    );
  await send(one, queue, [outgoing('c')]);
  expect(broker.pending).toBe(1);
});

test('a failed settlement changes nothing', async () => {
  const { driver, broker } = createBench();
  const one = await provisioned(driver());
  await send(one, queue, [outgoing('a')]);
  const member = await join(one, queue);
  const received = await member.take();
  broker.faults.failSettle();
  await expect(member.settle(received)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(broker.pending).toBe(1);
  expect(await member.settle(received)).toEqual([{ ok: true }]);
});

test('an expired lease, and a second delivery of what still runs', async () => {
  const { driver, broker } = createBench();
  const one = await provisioned(driver());
  await send(one, queue, [outgoing('a'), outgoing('b')]);
  const member = await join(one, queue);
  const [first, second] = await member.take();
  expect([broker.faults.expireLease('a'), broker.faults.redeliver('b'), broker.faults.redeliver('x')]).toEqual([
    1, 1, 0,
  ]);
  await turns();
  expect(member.lost).toEqual([{ ids: ['a'], reason: 'expired' }]);
  const again = await member.take();
  expect(again.map(({ id, redelivered }) => [id, redelivered])).toEqual([
    ['a', true],
    ['b', true],
  ]);
  expect(await member.settle([must(first), must(second), ...again])).toEqual([
    { ok: false, reason: 'lost' },
    { ok: true },
    { ok: true },
    { ok: true },
  ]);
  expect(broker.pending).toBe(0);
});

test.each(['disconnect', 'restart'] as const)(
  '%s: calls reject, deliveries go back, and all goes on',
  async (fault) => {
    const { driver, broker, clock } = createBench();
    const [one, two] = [await provisioned(driver()), driver()];
    await send(one, queue, [outgoing('a'), outgoing('later', { dueAt: clock.now() + 100 })]);
    const [member, other] = [await join(one, queue), await join(two, queue)];
    const received = await member.take();
    const waiting = other.receive({ signal: new AbortController().signal, maxMessages: 1, maxBytes: 1 });
    broker.faults[fault]();
    await expect(waiting).rejects.toSatisfy((error) => one.classifyError(error).code === 'NOT_CONNECTED');
    await turns();
    expect(member.lost).toEqual([{ ids: ['a'], reason: 'disconnected' }]);
    expect(await member.settle(received)).toEqual([{ ok: false, reason: 'lost' }]);
    expect(await other.take()).toMatchObject([{ id: 'a', redelivered: true, suspect: false, crashCount: 0 }]);
    await clock.advance(100);
    expect(ids(await member.take())).toEqual(['later']);
  },
);

test('after a disconnect the partitions are taken up again', async () => {
  const { driver, broker } = createBench();
  const one = await provisioned(driver());
  await send(one, ordered, [outgoing('a', { key: 'k' }), outgoing('b', { key: 'k' })]);
  const member = await join(one, ordered);
  await member.take();
  broker.faults.disconnect();
  expect(ids(await member.take())).toEqual(['a', 'b']);
});

test('while paused every call hangs, until it is resumed, aborted or cut', async () => {
  const { driver, broker } = createBench();
  const one = await provisioned(driver());
  const member = await join(one, queue);
  const waiting = member.receive({ signal: new AbortController().signal, maxMessages: 1, maxBytes: 1e6 });
  broker.faults.pause();
  const ended: string[] = [];
  const note = (name: string) => [() => void ended.push(name), () => void ended.push(`${name} failed`)] as const;
  void send(one, queue, [outgoing('a')]).then(...note('send'));
  void one.check().then(...note('check'));
  void waiting.then(...note('waiting'));
  const controller = new AbortController();
  const sender = one.openSender(queue);
  const receiving = (await turns(), member.take());
  void receiving.then(...note('aborted receive'));
  await turns();
  expect(ended).toEqual(['aborted receive']);
  await expect(receiving).resolves.toEqual([]);
  broker.faults.resume();
  await turns();
  expect(ended.toSorted()).toEqual(['aborted receive', 'check', 'send', 'waiting']);
  broker.faults.pause();
  const aborted = (await sender).sendBatch([outgoing('b')], { signal: controller.signal });
  controller.abort();
  await expect(aborted).rejects.toSatisfy((error) => one.classifyError(error).code === 'ABORTED');
  const cut = one.inspect(app);
  broker.faults.restart();
  await expect(cut).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  await one.check();
});

const begin = (member: Receiver, tokens: readonly Token[]): Promise<DriverTransaction> =>
  must(member.beginTransaction?.(tokens));

test('a transaction happens as a whole, or not at all', async () => {
  const { driver, broker } = createBench();
  const one = await provisioned(driver());
  await send(
    one,
    queue,
    ['a', 'b', 'c'].map((id) => outgoing(id)),
  );
  const [member, sink] = [await join(one, queue), await join(one, ordered)];
  const [a, b, c] = await member.take();
  const committed = await begin(member, [must(a).token]);
  await committed.send(ordered, [outgoing('out', { key: 'k' })]);
  expect(await sink.take()).toEqual([]);
  await committed.commit();
  expect(ids(await sink.take())).toEqual(['out']);
  expect(await member.settle([must(a)])).toEqual([{ ok: true }]);
  const aborted = await begin(member, [must(b).token]);
  await aborted.send(ordered, [outgoing('never', { key: 'k' })]);
  await aborted.abort();
  await expect(aborted.commit()).rejects.toMatchObject({ code: 'TRANSACTION_FENCED' });
  expect(await member.settle([must(b)])).toEqual([{ ok: true }]);
  const fenced = await begin(member, [must(c).token]);
  await fenced.send(ordered, [outgoing('never', { key: 'k' })]);
  broker.faults.expireLease('c');
  await expect(fenced.commit()).rejects.toSatisfy((error) => one.classifyError(error).code === 'FENCED');
  expect(await sink.take()).toEqual([]);
  expect(ids(await member.take())).toEqual(['c']);
});

test('idle resolves when everything is handled', async () => {
  const { driver, broker, clock } = createBench();
  const one = await provisioned(driver());
  await broker.idle();
  await send(one, queue, [outgoing('a'), outgoing('b', { dueAt: clock.now() + 5 })]);
  expect([broker.pending, broker.nextDueAt]).toEqual([2, clock.now() + 5]);
  let isIdle = false;
  const idle = broker.idle().then(() => (isIdle = true));
  const controller = new AbortController();
  const aborted = broker.idle({ signal: controller.signal });
  controller.abort(new RangeError('enough'));
  await expect(aborted).rejects.toThrow(RangeError);
  const member = await join(one, queue);
  await member.settle(await member.take());
  await clock.advance(5);
  const last = await member.take();
  expect(isIdle).toBe(false);
  await member.settle(last);
  await idle;
});
