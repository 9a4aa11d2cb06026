import type { Capabilities } from './capabilities.ts';
import { systemClock } from './clock.ts';
import { Broker } from './client/broker.ts';
import { ClientOf } from './client/client.ts';
import { openTelemetry } from './client/telemetry.ts';
import type { Client, ClientOptions } from './client-types.ts';
import type { Driver } from './driver-interface.ts';
import { clientOptions } from './client/client-options.ts';
import { invalidOption, requireKnown } from './options.ts';

/**
 * A client on a driver built by hand: what the driver cannot do does not compile. The client owns the driver, and closes it.
 * @throws INVALID_OPTION
 */
export async function createClient<C extends Capabilities>(
  driver: Driver<C>,
  options: ClientOptions = {},
): Promise<Client<C>> {
  if (driver?.specificationVersion !== 1)
    throw invalidOption('createClient takes a driver of specificationVersion 1, such as createMemoryDriver().');
  requireKnown('createClient', options, clientOptions);
  const telemetry = await openTelemetry(options);
  const broker = new Broker(driver.name, driver, 'create', telemetry, options.clock ?? systemClock);
  const place = { broker, physical: undefined };
  return new ClientOf({
    brokers: [broker],
    route: () => place,
    namespace: driver.namespace ?? 'anymq',
    telemetry,
    options,
  });
}
