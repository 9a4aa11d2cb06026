import assert from 'node:assert/strict';
import type { Capabilities, Driver } from '@anymq/core/driver';
import { isAnymqError, rejectsWith, throwsWith } from '../assertions.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import type { Member } from '../member.ts';
import { without } from '../without.ts';
import { wrapDriver } from '../wrap-driver.ts';

type Refused = (member: Member, context: CaseContext) => Promise<void>;

/** The driver as it would be without this capability, noting whatever reaches the broker. */
function lacking(driver: Driver, capability: keyof Capabilities, touched: string[]): Driver {
  const note = (what: string): never => {
    touched.push(what);
    throw new Error(`${what} was called`);
  };
  const masked = wrapDriver(driver, {
    driver: (inner) => ({
      capabilities: { ...inner.capabilities, [capability]: false },
      openSender: async () => note('openSender'),
      openReceiver: async () => note('openReceiver'),
      provision: async () => note('provision'),
    }),
  });
  return capability === 'history' ? without(masked, 'seek') : masked;
}

function refusal(group: keyof Capabilities, refused: Refused): readonly ConformanceCase[] {
  const name = 'where it is not declared, using it is UNSUPPORTED before anything is sent or made';
  const run = async (context: CaseContext): Promise<void> => {
    const touched: string[] = [];
    const member = await context.connect({ wrap: (driver) => lacking(driver, group, touched) });
    await refused(member, context);
    assert.deepEqual(touched, []);
  };
  return casesOf(group, [{ name, run }]);
}

const none = (): void => undefined;

/** Refused when it is built, or else when it is first used. */
async function refusedSoon(build: () => { send(body: never): Promise<unknown> }): Promise<void> {
  let producer: { send(body: never): Promise<unknown> };
  try {
    producer = build();
  } catch (error) {
    isAnymqError(error, 'UNSUPPORTED');
    return;
  }
  await rejectsWith(producer.send({ n: 1 } as never), 'UNSUPPORTED');
}

export const refusals: readonly ConformanceCase[] = [
  ...refusal('history', async ({ client }, context) => {
    const [queue, topic] = [
      context.queue('jobs', { retentionMs: 60_000 }),
      context.topic('log', { groups: { early: { startAt: 'earliest' } } }),
    ];
    await refusedSoon(() => client.producer(queue));
    throwsWith(() => client.consumer(queue, {}, none), 'UNSUPPORTED');
    throwsWith(
      () => client.consumer(context.topic('plain'), { group: 'readers', startAt: 'earliest' }, none),
      'UNSUPPORTED',
    );
    await rejectsWith(client.provision([topic]), 'UNSUPPORTED');
    await rejectsWith(
      (async () => client.seek(context.topic('plain'), { group: 'readers', to: 'earliest' }))(),
      'UNSUPPORTED',
    );
  }),
  ...refusal('priority', async ({ client }, context) => {
    await rejectsWith(
      client.producer(context.queue('jobs')).send({ n: 1 }, { priority: 9 }),
      'UNSUPPORTED',
      'not-sent',
    );
  }),
  ...refusal('expiry', async ({ client }, context) => {
    await rejectsWith(
      client.producer(context.queue('jobs')).send({ n: 1 }, { expiresAfterMs: 1000 }),
      'UNSUPPORTED',
      'not-sent',
    );
  }),
  ...refusal('transactions', async ({ client }, context) => {
    throwsWith(() => client.consumer(context.queue('jobs'), { transaction: true }, none), 'UNSUPPORTED');
  }),
  ...refusal('brokerFilter', async ({ client }, context) => {
    await rejectsWith(
      client.provision([context.topic('news', { groups: { german: { filter: { language: 'de' } } } })]),
      'UNSUPPORTED',
    );
  }),
];
