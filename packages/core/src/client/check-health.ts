import type { Health } from '../client-types.ts';
import type { Clock } from '../clock.ts';
import type { ManagedConsumer } from '../consume/consumer.ts';
import { AnymqError } from '../errors.ts';
import { within } from '../within.ts';
import { wrapError } from '../wrap-error.ts';
import type { Broker } from './broker.ts';
import { addressOf } from './check-destination.ts';
import type { ClientCore } from './client-core.ts';

type HealthParts = Pick<ClientCore, 'brokers' | 'consumers' | 'clock' | 'route'>;

const timeoutMs = 5000;
/** Of the retention: from here on messages may soon be gone before they are handled. */
const nearEnd = 0.8;

/** Asks every broker, at most for 5 s each time, and looks at every consumer. Never rejects. */
export async function checkHealth(parts: HealthParts): Promise<Health> {
  const consumers = [...parts.consumers];
  const [brokers, ageing] = await Promise.all([
    Promise.all(parts.brokers.map((broker) => checkBroker(broker, parts.clock))),
    Promise.all(consumers.map((consumer) => retentionWarning(consumer, parts))),
  ]);
  const seen = consumers.map((consumer) => consumer.health());
  const isWell =
    brokers.every(({ ok }) => ok) && seen.every(({ state }) => state !== 'failed' && state !== 'recovering');
  return {
    ok: isWell,
    brokers,
    consumers: seen,
    warnings: [...consumers.flatMap(partitionWarnings), ...ageing.flat()],
  };
}

async function checkBroker(broker: Broker, clock: Clock): Promise<Health['brokers'][number]> {
  const { name, driver } = broker;
  const late = `The broker '${name}' did not answer within ${timeoutMs} ms.`;
  let error: AnymqError | undefined = new AnymqError('TIMEOUT', late, { driver: driver.name });
  const asked = (async () => driver.check())().then(
    () => (error = undefined),
    (failure: unknown) => (error = wrapError(driver, failure).error),
  );
  await within(clock, timeoutMs, asked);
  return error === undefined ? { name, ok: true } : { name, ok: false, error };
}

function partitionWarnings(consumer: ManagedConsumer): readonly string[] {
  return consumer
    .waitingPartitions()
    .map(
      (partition) =>
        `Partition ${partition} of ${nameOf(consumer)} waits: so many of its messages (maxHeld, or its share of 64 MiB) are behind slow or failing ones.`,
    );
}

async function retentionWarning(consumer: ManagedConsumer, parts: HealthParts): Promise<readonly string[]> {
  const { retentionMs } = consumer.settings.destination;
  if (retentionMs === undefined || consumer.state !== 'running') return [];
  const seen: { ageMs: number | null } = { ageMs: null };
  await within(parts.clock, timeoutMs, lookAt(consumer, parts, seen));
  if (seen.ageMs === null || seen.ageMs < nearEnd * retentionMs) return [];
  return [
    `The oldest message of ${nameOf(consumer)} is ${seen.ageMs} ms old, and is kept for ${retentionMs} ms: it may be gone before it is handled.`,
  ];
}

/** A broker that cannot be asked is reported by its own check. */
async function lookAt(consumer: ManagedConsumer, parts: HealthParts, seen: { ageMs: number | null }): Promise<void> {
  const { destination, group } = consumer.settings;
  const { broker, physical } = parts.route(destination.name);
  const [inspected] = await Promise.allSettled([broker.driver.inspect(addressOf(destination, physical, group))]);
  if (inspected.status === 'fulfilled') seen.ageMs = inspected.value.oldestAgeMs;
}

function nameOf({ settings: { destination, group } }: ManagedConsumer): string {
  return group === undefined ? destination.name : `${destination.name} (${group})`;
}
