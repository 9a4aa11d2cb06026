import {
  type Address,
  physicalName,
  type PlannedDestination,
  type PlannedGroup,
  type ProvisionMode,
  type ProvisionResult,
} from '@anymq/core/driver';
import type { Broker } from './broker.ts';
import { destinationName } from './broker.ts';
import { StoredDestination } from './stored-destination.ts';

interface Findings {
  readonly created: string[];
  readonly differences: string[];
}

/** Makes or compares one destination after the other. Nothing that is there is ever changed. */
export function provision(
  broker: Broker,
  namespace: string,
  destinations: readonly PlannedDestination[],
  mode: ProvisionMode,
): ProvisionResult {
  const findings: Findings = { created: [], differences: [] };
  if (mode === 'assume') return findings;
  for (const planned of destinations) {
    const destination = provisionDestination(broker, namespace, planned.address, mode, findings);
    if (destination === undefined) continue;
    for (const group of planned.groups)
      provisionGroup(namespace, planned.address, destination, { group, mode, findings });
  }
  return findings;
}

function provisionDestination(
  broker: Broker,
  namespace: string,
  address: Address,
  mode: ProvisionMode,
  findings: Findings,
): StoredDestination | undefined {
  const name = destinationName(namespace, address);
  const existing = broker.destinations.get(name);
  if (existing !== undefined) {
    findings.differences.push(...compare(name, existing, address));
    return existing;
  }
  if (mode === 'validate') {
    findings.differences.push(`${name} does not exist; a ${address.kind} was asked for.`);
    return undefined;
  }
  const made = new StoredDestination(address, broker.runtime);
  broker.destinations.set(name, made);
  findings.created.push(name);
  return made;
}

interface GroupTask {
  readonly group: PlannedGroup;
  readonly mode: ProvisionMode;
  readonly findings: Findings;
}

function provisionGroup(
  namespace: string,
  address: Address,
  destination: StoredDestination,
  { group, mode, findings }: GroupTask,
): void {
  if (destination.kind === 'queue') return;
  const name = physicalName(namespace, { name: address.name, physical: address.physical, group: group.name });
  const existing = destination.group(group.name);
  if (existing !== undefined) {
    findings.differences.push(
      ...difference(name, 'filter', filterText(existing.options.filter), filterText(group.filter)),
    );
  } else if (mode === 'validate') {
    findings.differences.push(`${name} does not exist; a group was asked for.`);
  } else {
    destination.addGroup(group);
    findings.created.push(name);
  }
}

function compare(name: string, is: StoredDestination, wanted: Address): string[] {
  const partitions = wanted.ordering === 'key' ? wanted.partitions : 0;
  return [
    ...difference(name, 'kind', is.kind, wanted.kind),
    ...difference(name, 'ordering', is.partitions > 0 ? 'key' : 'none', wanted.ordering),
    ...(is.partitions > 0 && partitions > 0 ? difference(name, 'partitions', is.partitions, partitions) : []),
    ...difference(name, 'retentionMs', is.retentionMs ?? 'none', wanted.retentionMs ?? 'none'),
  ];
}

function difference(name: string, what: string, is: string | number, wanted: string | number): string[] {
  return is === wanted ? [] : [`${name} has ${what} ${is}; ${wanted} was asked for.`];
}

/** The same for conditions in any order. */
function filterText(filter: PlannedGroup['filter']): string {
  if (filter === undefined) return 'none';
  return JSON.stringify(Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1)));
}
