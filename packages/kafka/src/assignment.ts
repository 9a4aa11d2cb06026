import type { JoinedGroup } from './protocol.ts';

/** What a member says of itself when it joins. */
export interface Claim {
  /** Partitions that it holds, those among them that it is about to hand over. */
  readonly owned: readonly number[];
  /** The member id under which it was given them: void under any other. */
  readonly memberId: string;
  /** It stops: it wants no partition. */
  readonly isLeaving: boolean;
  /** Of its process, whatever the member is called. */
  readonly ownerId: string;
}

/** What the leader tells a member. */
export interface Assignment {
  readonly partitions: readonly number[];
  /** The processes that are in the group: what they have begun has not killed them. */
  readonly alive: readonly string[];
}

export const protocolName = 'anymq-cooperative';
const version = 0;

/** In the format of Kafka's own consumers, so that Kafka's tools can show it. */
export function encodeClaim(topic: string, claim: Claim): Buffer {
  const userData = Buffer.from(
    JSON.stringify({ o: claim.owned, m: claim.memberId, l: claim.isLeaving, i: claim.ownerId }),
  );
  return Buffer.concat([int16(version), int32(1), text(topic), int32(userData.length), userData]);
}

export function encodeAssignment(topic: string, { partitions, alive }: Assignment): Buffer {
  const list = Buffer.concat([int32(partitions.length), ...partitions.map(int32)]);
  const userData = Buffer.from(JSON.stringify({ i: alive }));
  return Buffer.concat([int16(version), int32(1), text(topic), list, int32(userData.length), userData]);
}

/** Total in what the leader says beside the partitions: an earlier version says nothing. */
export function decodeAssignment(bytes: Buffer): Assignment {
  if (bytes.length < 6 || bytes.readInt32BE(2) < 1) return { partitions: [], alive: [] };
  let at = 8 + bytes.readInt16BE(6);
  const count = bytes.readInt32BE(at);
  const partitions = Array.from({ length: count }, () => bytes.readInt32BE((at += 4)));
  return { partitions, alive: aliveIn(bytes.subarray(at + 8)) };
}

function aliveIn(userData: Buffer): readonly string[] {
  try {
    const { i } = JSON.parse(userData.toString()) as { readonly i: readonly unknown[] };
    return i.filter((id) => typeof id === 'string');
  } catch {
    return [];
  }
}

/** Of all members. */
export function ownerIdsOf(members: JoinedGroup['members']): readonly string[] {
  return members.map(({ memberMetadata }) => decodeClaim(memberMetadata).ownerId).filter((id) => id !== '');
}

const nothing: Claim = { owned: [], memberId: '', isLeaving: false, ownerId: '' };

/** Total: a member of another kind claims nothing. */
export function decodeClaim(bytes: Buffer): Claim {
  try {
    let at = 6;
    for (let topics = bytes.readInt32BE(2); topics > 0; topics--) at += 2 + bytes.readInt16BE(at);
    const { o, m, l, i } = JSON.parse(bytes.toString('utf8', at + 4, at + 4 + bytes.readInt32BE(at))) as {
      readonly o: readonly number[];
      readonly m: string;
      readonly l: boolean;
      readonly i?: unknown;
    };
    const ownerId = typeof i === 'string' ? i : '';
    return { owned: o.filter(Number.isInteger), memberId: m, isLeaving: l, ownerId };
  } catch {
    return nothing;
  }
}

/**
 * Who gets what. A partition that is claimed stays where it is, or with nobody until its owner has handed it over; the rest
 * goes to those who have least.
 */
export function assign(
  members: JoinedGroup['members'],
  partitions: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const claims = new Map(members.map(({ memberId, memberMetadata }) => [memberId, decodeClaim(memberMetadata)]));
  const willing = [...claims].filter(([, { isLeaving }]) => !isLeaving).map(([memberId]) => memberId);
  const ids = willing.toSorted();
  const owners = ownersOf(claims);
  const shares = new Map<string, number[]>([...claims.keys()].map((memberId) => [memberId, []]));
  const [most, least] = [Math.ceil(partitions.length / ids.length), Math.floor(partitions.length / ids.length)];
  let extra = partitions.length - least * ids.length;
  const free: number[] = [];
  for (const partition of partitions) {
    const owner = owners.get(partition);
    if (owner === undefined) {
      free.push(partition);
      continue;
    }
    const share = shares.get(owner);
    if (share === undefined || !ids.includes(owner)) continue;
    if (share.length < least || (share.length < most && extra > 0)) {
      if (share.length >= least) extra--;
      share.push(partition);
    }
  }
  for (const partition of free) smallest(ids, shares)?.push(partition);
  return shares;
}

/** Only claims of who is here under the id that it was given the partitions with. Of two, the first counts. */
function ownersOf(claims: ReadonlyMap<string, Claim>): ReadonlyMap<number, string> {
  const owners = new Map<number, string>();
  for (const [memberId, claim] of [...claims].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (claim.memberId !== memberId) continue;
    for (const partition of claim.owned) if (!owners.has(partition)) owners.set(partition, memberId);
  }
  return owners;
}

function smallest(ids: readonly string[], shares: ReadonlyMap<string, number[]>): number[] | undefined {
  let found: number[] | undefined;
  for (const id of ids) {
    const share = shares.get(id);
    if (share !== undefined && (found === undefined || share.length < found.length)) found = share;
  }
  return found;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([int16(bytes.length), bytes]);
}
