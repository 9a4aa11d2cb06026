import type { Destination, Topic } from '../destination.ts';
import type { Address, ProvisionMode, ProvisionResult, SeekTarget } from '../driver-interface.ts';
import { groupOf } from '../consume/consumer-settings.ts';
import type { Inspection } from '../inspection.ts';
import { requireKnown, requireNumber, requireOneOf } from '../options.ts';
import { requireCapability } from '../produce/require-capability.ts';
import type { Broker } from './broker.ts';
import { addressOf } from './check-destination.ts';
import type { ClientCore } from './client-core.ts';
import { forget } from './restore.ts';

// What operators do with a client, loaded when the first of it is asked for.
export { checkHealth } from './check-health.ts';

export async function inspect(
  core: ClientCore,
  what: Destination,
  options: { readonly group?: string },
): Promise<Inspection> {
  requireKnown('inspect', options, ['group']);
  const { group } = options;
  const { broker, address } = placeOf(core, what, group);
  const inspection = await broker.call(() => broker.driver.inspect(address));
  const consumers = [...core.consumers].filter(
    ({ settings }) => settings.destination.name === what.name && settings.group === group,
  );
  const waiting = consumers.flatMap((consumer) => consumer.waitingPartitions());
  return waiting.length === 0 ? inspection : { ...inspection, waitingPartitions: [...new Set(waiting)] };
}

export async function seek(
  core: ClientCore,
  what: Topic,
  options: { readonly group: string; readonly to: SeekTarget },
): Promise<void> {
  requireKnown('seek', options, ['group', 'to']);
  const { group, to } = options;
  const { broker, address } = placeOf(core, what, group);
  const { driver } = broker;
  requireCapability(driver, 'history', 'seek');
  if (!(to instanceof Date)) requireOneOf('to', to, ['earliest', 'latest']);
  else requireNumber('to', to.getTime(), { min: 0 });
  await broker.call(() => driver.seek?.(address, to) ?? Promise.resolve());
}

export async function provision(
  core: ClientCore,
  what: readonly Destination[],
  options: { readonly mode?: ProvisionMode },
): Promise<ProvisionResult> {
  requireKnown('provision', options, ['mode']);
  const mode = requireOneOf('mode', options.mode ?? 'create', ['create', 'validate', 'assume']);
  const places = what.map((destination) => ({ destination, ...core.place(destination) }));
  const created: string[] = [];
  const differences: string[] = [];
  for (const { destination, broker, physical } of places) {
    const result = await broker.provision(destination, physical, mode);
    if (mode !== 'assume' && result.differences.length === 0)
      broker.ready.set(`${destination.name}/`, Promise.resolve());
    created.push(...result.created);
    differences.push(...result.differences);
  }
  return { created, differences };
}

export async function remove(
  core: ClientCore,
  what: readonly Destination[],
  options: { readonly group?: string },
): Promise<void> {
  requireKnown('remove', options, ['group']);
  for (const destination of what) {
    const { broker, physical } = core.place(destination);
    const group = options.group === undefined ? undefined : groupOf(destination, options.group);
    await broker.call(() => broker.driver.remove(addressOf(destination, physical, group)));
    forget(broker, destination);
  }
}

function placeOf(
  core: ClientCore,
  what: Destination,
  group: string | undefined,
): { readonly broker: Broker; readonly address: Address } {
  const { broker, physical } = core.place(what);
  return { broker, address: addressOf(what, physical, groupOf(what, group)) };
}
