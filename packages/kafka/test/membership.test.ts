import { silentLogger, systemClock } from '@anymq/core/driver';
import { expect, test } from 'vitest';
import { encodeAssignment } from '../src/assignment.ts';
import { Membership } from '../src/membership.ts';
import { linkTo, refusal } from './support/fakes.ts';

/** Joins so often, beside a broker that does not answer heartbeats after the first join; returns the names that it gave. */
async function namesOf(joinCount: number, isKnown: (memberId: string) => boolean): Promise<readonly string[]> {
  const names: string[] = [];
  const joined = Promise.withResolvers<void>();
  let evictions = 0;
  const link = linkTo({
    joinGroup: async ({ memberId }) => {
      names.push(memberId);
      if (names.length === joinCount) joined.resolve();
      if (!isKnown(memberId)) throw refusal('UNKNOWN_MEMBER_ID');
      return { generationId: names.length, leaderId: 'other', memberId: memberId || 'me', members: [] };
    },
    syncGroup: async () => ({ memberAssignment: encodeAssignment('t', { partitions: [], alive: [] }) }),
    heartbeat: async () => {
      if (names.length === 1) throw new Error('away');
    },
    leaveGroup: async () => undefined,
  });
  const membership = new Membership({
    link,
    sideLink: link,
    clock: systemClock,
    logger: silentLogger,
    groupId: 'g',
    topic: 't',
    ownerId: 'process',
    sessionMs: 200,
    claims: () => [],
    onAssigned: () => undefined,
    onEvicted: () => (evictions += 1),
    onTrouble: () => undefined,
  });
  await membership.start(5000);
  await joined.promise;
  await membership.close();
  expect(evictions).toBe(1);
  return names;
}

test('a member whose session ran out while the broker was away comes back under its own name, not to wait for itself', async () => {
  expect(await namesOf(2, () => true)).toEqual(['', 'me']);
});

test('a member that the broker has given up comes back as somebody new', async () => {
  expect(await namesOf(3, (memberId) => memberId === '')).toEqual(['', 'me', '']);
});
