import type { Address, PlannedDestination, PlannedGroup, ProvisionMode, ProvisionResult } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import type { Argument } from './encoding.ts';
import { keysOf, queueGroup } from './keys.ts';
import { provision as provisionScript } from './scripts/topology.ts';

type Answer = readonly [is: readonly (string | null)[], missing: readonly string[]];

/** Makes or compares one destination after the other, each in one step. Nothing that is there is ever changed. */
export async function provision(
  context: DriverContext,
  destinations: readonly PlannedDestination[],
  mode: ProvisionMode,
): Promise<ProvisionResult> {
  const created: string[] = [];
  const differences: string[] = [];
  if (mode === 'assume') return { created, differences };
  for (const { address, groups } of destinations) {
    const [is, missing] = await provisionOne(context, address, groups, mode === 'create');
    const names = new Set(missing.map((group) => nameOf(context, address, group)));
    if (mode === 'create') created.push(...names);
    else
      for (const name of names) differences.push(`${name} does not exist; a part of this ${address.kind} is missing.`);
    if (is[0] !== null) differences.push(...compare(context, address, is));
  }
  return { created, differences };
}

/** Of one group alone, which is all that a receiver needs. A queue's begins with what is there. */
export async function ensureGroup(
  context: DriverContext,
  { group, ...address }: Address,
  startAt: PlannedGroup['startAt'],
): Promise<void> {
  await provisionOne(context, address, group === undefined ? [] : [{ name: group, startAt }], true);
}

async function provisionOne(
  context: DriverContext,
  address: Address,
  groups: readonly PlannedGroup[],
  makes: boolean,
): Promise<Answer> {
  const keys = keysOf(context.namespace, address);
  const planned = address.kind === 'queue' ? [{ name: queueGroup, startAt: 'earliest' } as const] : groups;
  const own = planned.map(({ name }) => keysOf(context.namespace, { ...address, group: name }).retries);
  const args: Argument[] = [
    makes ? '1' : '0',
    address.kind,
    String(keys.partitions),
    retentionText(address),
    keys.streams.length,
  ];
  for (const [index, { name, startAt }] of planned.entries())
    args.push(name, startAt === 'earliest' ? '0' : '$', own[index]?.length ?? 0);
  return (await context.connection.run(provisionScript, [keys.meta, ...keys.streams, ...own.flat()], args)) as Answer;
}

/** A queue's one group goes with it: what is missing is the queue. */
function nameOf(context: DriverContext, address: Address, group: string): string {
  const { base } = keysOf(context.namespace, address);
  return group === '' || address.kind === 'queue' ? base : `${base}_${group}`;
}

function compare(context: DriverContext, address: Address, [kind, partitions, retention]: Answer[0]): string[] {
  const { base, partitions: wanted } = keysOf(context.namespace, address);
  const isOrdered = partitions !== '0';
  return [
    ...difference(base, 'kind', kind, address.kind),
    ...difference(base, 'ordering', isOrdered ? 'key' : 'none', address.ordering),
    ...(isOrdered && wanted > 0 ? difference(base, 'partitions', partitions, String(wanted)) : []),
    ...difference(base, 'retentionMs', retention, retentionText(address)),
  ];
}

function retentionText({ retentionMs }: Address): string {
  return retentionMs === undefined ? 'none' : String(retentionMs);
}

function difference(name: string, what: string, is: string | null | undefined, wanted: string): string[] {
  return is === wanted ? [] : [`${name} has ${what} ${is ?? 'none'}; ${wanted} was asked for.`];
}
