import type { Health } from '../client-types.ts';
import type { Clock } from '../clock.ts';
import type { ManagedConsumer } from '../consume/consumer.ts';
import { AnymqError } from '../errors.ts';
import { within } from '../within.ts';
import type { Broker } from './broker.ts';

const timeoutMs = 5000;

/** Asks every broker, at most for 5 s, and looks at every consumer. Never rejects. */
export async function checkHealth(
  brokers: readonly Broker[],
  consumers: ReadonlySet<ManagedConsumer>,
  clock: Clock,
): Promise<Health> {
  const asked = await Promise.all(brokers.map((broker) => checkBroker(broker, clock)));
  const seen = Array.from(consumers, (consumer) => consumer.health());
  const warnings = Array.from(consumers).flatMap((consumer) => consumer.warnings());
  const isWell = asked.every(({ ok }) => ok) && seen.every(({ state }) => state !== 'failed' && state !== 'recovering');
  return { ok: isWell, brokers: asked, consumers: seen, warnings };
}

async function checkBroker(broker: Broker, clock: Clock): Promise<Health['brokers'][number]> {
  const { name, driver } = broker;
  let error: AnymqError | undefined = new AnymqError(
    'TIMEOUT',
    `The broker '${name}' did not answer within ${timeoutMs} ms.`,
    { driver: driver.name },
  );
  const asked = (async () => driver.check())().then(
    () => (error = undefined),
    (failure: unknown) => (error = broker.wrap(failure).error),
  );
  await within(clock, timeoutMs, asked);
  return error === undefined ? { name, ok: true } : { name, ok: false, error };
}
