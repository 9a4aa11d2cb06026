import type { Address, Inspection, SeekTarget } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import { RedisStreamsError } from './errors.ts';
import { type Keys, keysOf } from './keys.ts';
import { groups, inspect as inspectScript, removeGroup, seek as seekScript } from './scripts/topology.ts';

/** With a group: that group alone. */
export async function remove(context: DriverContext, address: Address): Promise<void> {
  const { connection, namespace } = context;
  const keys = keysOf(namespace, address);
  const isOneGroup = address.kind === 'topic' && address.group !== undefined;
  if (isOneGroup) {
    await connection.run(removeGroup, [keys.meta, ...keys.streams], [keys.group]);
    await unlink(context, groupKeys(keys));
    return;
  }
  const names = (await connection.run(groups, [keys.meta, keys.streams[0] ?? ''], [])) as readonly string[];
  const own = names.flatMap((group) => groupKeys(keysOf(namespace, { ...address, group })));
  await unlink(context, [...keys.streams, keys.meta, keys.delayed, ...groupKeys(keys), ...own]);
}

function groupKeys(keys: Keys): readonly string[] {
  return [...keys.retries, keys.groupDelayed, keys.dead, keys.alive, keys.generations, keys.notes, keys.owners];
}

async function unlink({ connection }: DriverContext, keys: readonly string[]): Promise<void> {
  await connection.call('unlink', ...new Set(keys));
}

export async function inspect({ connection, namespace }: DriverContext, address: Address): Promise<Inspection> {
  const keys = keysOf(namespace, address);
  const sets = [...new Set([keys.delayed, keys.groupDelayed])];
  const args = [keys.group, address.kind, sets.length, keys.streams.length, keys.partitions > 0 ? '1' : '0'];
  const answer = await connection.run(
    inspectScript,
    [keys.owners, keys.dead, ...sets, ...keys.streams, ...keys.retries],
    args,
  );
  const [waiting, inFlight, delayed, dead, ageMs, exact] = answer as readonly [
    number,
    number,
    number,
    number,
    number,
    string,
  ];
  return {
    backlog: { value: waiting, exact: exact === '1' },
    inFlight: { value: inFlight, exact: true },
    delayed: { value: delayed, exact: true },
    deadLetters: { value: dead, exact: true },
    oldestAgeMs: ageMs < 0 ? null : ageMs,
  };
}

/** @throws CONFLICT while the group has members */
export async function seek({ connection, namespace }: DriverContext, address: Address, to: SeekTarget): Promise<void> {
  const keys = keysOf(namespace, address);
  const answer = await connection.run(seekScript, [keys.alive, ...keys.streams], [keys.group, idBefore(to)]);
  if (answer === 0) throw new RedisStreamsError('CONFLICT', 'The group has members. Stop its consumers first.');
}

/** A group begins after this id. */
function idBefore(to: SeekTarget): string {
  if (to === 'latest') return '$';
  const ms = to === 'earliest' ? 0 : Math.floor(to.getTime());
  return ms <= 0 ? '0' : `${ms - 1}-18446744073709551615`;
}

export function physicalNames(namespace: string, address: Address): Readonly<Record<string, string>> {
  const { base, streams, dead, group } = keysOf(namespace, address);
  const stream = streams.length === 1 ? base : streams.join(' ');
  if (address.kind === 'queue') return { queue: stream, deadLetters: dead };
  return address.group === undefined ? { topic: stream } : { topic: stream, group, deadLetters: dead };
}
