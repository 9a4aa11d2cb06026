import { Partitioners } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { assign, type Claim, decodeAssignment, decodeClaim, encodeAssignment, encodeClaim } from '../src/assignment.ts';
import { partitionOfKey } from '../src/murmur2.ts';

const member = (memberId: string, claim: Partial<Claim> = {}): Parameters<typeof assign>[0][number] => ({
  memberId,
  memberMetadata: encodeClaim('topic', { owned: [], memberId, isLeaving: false, ownerId: '', ...claim }),
});
const plan = (members: Parameters<typeof assign>[0], partitions = 8): Record<string, readonly number[]> =>
  Object.fromEntries(assign(members, [...Array(partitions).keys()]));

describe('an assignment', () => {
  test('gives everything to the only one, and equal parts to several', () => {
    expect(plan([member('a')])).toEqual({ a: [0, 1, 2, 3, 4, 5, 6, 7] });
    const { a, b, c } = plan([member('a'), member('b'), member('c')]);
    expect([a?.length, b?.length, c?.length].toSorted((x = 0, y = 0) => x - y)).toEqual([2, 3, 3]);
  });

  test('gives away nothing that is claimed: what has to move stays with nobody until it is handed over', () => {
    const owner = { owned: [0, 1, 2, 3, 4, 5, 6, 7] };
    expect(plan([member('a', owner), member('b')])).toEqual({ a: [0, 1, 2, 3], b: [] });
    expect(plan([member('a', { owned: [0, 1, 2, 3] }), member('b')])).toEqual({ a: [0, 1, 2, 3], b: [4, 5, 6, 7] });
  });

  test('moves no more than it must when a member joins or leaves', () => {
    expect(plan([member('a', { owned: [0, 1, 2, 3] }), member('b', { owned: [4, 5, 6, 7] }), member('c')])).toEqual({
      a: [0, 1, 2],
      b: [4, 5, 6],
      c: [],
    });
    expect(plan([member('a', { owned: [0, 1, 2] }), member('c', { owned: [3, 7] })])).toEqual({
      a: [0, 1, 2, 5],
      c: [3, 7, 4, 6],
    });
  });

  test('heeds no claim that was made under another id, and gives nothing to who is leaving', () => {
    expect(plan([member('a', { owned: [0, 1], memberId: 'once' }), member('b')], 2)).toEqual({ a: [0], b: [1] });
    expect(plan([member('a', { owned: [0], isLeaving: true }), member('b')], 2)).toEqual({ a: [], b: [1] });
  });
});

test('claims and assignments come back as they were written; what a foreign member says claims nothing', () => {
  const claim: Claim = { owned: [1, 5], memberId: 'ü-1', isLeaving: true, ownerId: 'process' };
  expect(decodeClaim(encodeClaim('ns_topic', claim))).toEqual(claim);
  const assignment = { partitions: [3, 0, 9], alive: ['process', 'ü'] };
  const encoded = encodeAssignment('ns_topic', assignment);
  expect(decodeAssignment(encoded)).toEqual(assignment);
  expect(decodeAssignment(Buffer.alloc(0))).toEqual({ partitions: [], alive: [] });
  // As an earlier version wrote it: without what the leader says beside.
  const silent = Buffer.concat([encoded.subarray(0, 32), Buffer.alloc(4)]);
  expect(decodeAssignment(silent)).toEqual({ partitions: [3, 0, 9], alive: [] });
  for (const foreign of [Buffer.alloc(0), Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0])])
    expect(decodeClaim(foreign).owned).toEqual([]);
});

test('a key goes to the partition that the client itself chooses', () => {
  const partitionMetadata = Array.from({ length: 13 }, (_, partitionId) => ({ partitionId, leader: 1 }));
  const choose = Partitioners.DefaultPartitioner();
  for (const key of ['a', 'ab', 'abc', 'abcd', 'customer-1', '顧客', 'ü'.repeat(128), 'x'.repeat(255)]) {
    const expected = choose({ topic: 't', partitionMetadata: partitionMetadata as never, message: { key } } as never);
    expect(partitionOfKey(Buffer.from(key), 13)).toBe(expected);
  }
});
