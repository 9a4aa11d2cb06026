import { brokerUrl, containerHandle } from './broker.ts';
import type { StartedBroker } from './broker.ts';
import type { Configuration, ContainerSpec, Credentials, ImageSpec } from './broker-spec.ts';
import { containersOf } from './broker-table.ts';
import type { BrokerName } from './broker-table.ts';
import { startContainer } from './container.ts';
import type { StartedContainer } from './container.ts';
import { processGuard } from './guard.ts';
import type { Guard } from './guard.ts';
import { resolveImage } from './image.ts';
import { labels } from './labels.ts';

export interface StartBrokerOptions {
  /**
   * Settings of the server, by the names of its own configuration file: `{ appendonly: 'yes', appendfsync: 'always' }` for
   * Redis, `{ max_message_size: '1048576' }` for RabbitMQ. Default: none; Redis then keeps nothing on disk.
   */
  readonly configuration?: Configuration;
  /**
   * Another version of the server: `7.0` or `valkey-9` for Redis, `4.3` for RabbitMQ. Default: what the environment says
   * (`ANYMQ_TEST_VERSIONS=redis=7.0,rabbitmq=4.3`), else the version that the suites are written for.
   */
  readonly version?: string;
  /** Per container, the port of 127.0.0.1 that clients are told, where a proxy stands before it. Default: the published one. */
  readonly advertisedPorts?: readonly number[];
  /** Whom Redis, RabbitMQ and Kafka (SASL PLAIN) let in, and the URL names. Default: everybody; RabbitMQ's guest. */
  readonly credentials?: Credentials;
  /** Another image for the broker's first container, such as `{ official: 'redis:7.2' }`. */
  readonly image?: Partial<ImageSpec>;
}

/**
 * Starts a broker of the caller's own, whatever the environment names, and resolves when it answers. It is removed by its
 * `container.stop()`, and at the latest when this process ends, however that happens. May be called concurrently.
 *
 * @throws {BrokerUnavailableError} when neither its image nor Docker is to be had
 */
export async function startBroker(name: BrokerName, options: StartBrokerOptions = {}): Promise<StartedBroker> {
  const containers = await startContainers(name, options, processGuard(), 'run');
  const ports = containers.map(({ port }) => port);
  const url = brokerUrl(name, containers, options.credentials);
  return { name, url, ports, container: containerHandle(name, containers), servers: [] };
}

export async function startContainers(
  name: BrokerName,
  { configuration = {}, version, advertisedPorts = [], credentials, image = {} }: StartBrokerOptions,
  guard: Guard,
  use: 'run' | 'up',
): Promise<readonly StartedContainer[]> {
  const [first, ...others] = containersOf(name, version);
  const specs: readonly ContainerSpec[] = [{ ...first, image: { ...first.image, ...image } }, ...others];
  const images: string[] = [];
  // One after the other: two that need the same base image would build it twice.
  for (const spec of specs) images.push(await resolveImage(spec.image));
  // Asked for last: images may have taken minutes, and this may have been interrupted meanwhile.
  const marks = { [guard.mark[0]]: guard.mark[1], [labels.use]: use, [labels.broker]: name };
  return Promise.all(
    specs.map((spec, part) => {
      const own = { ...marks, [labels.part]: String(part) };
      return startContainer(spec, {
        image: images[part] ?? spec.image.official,
        configuration,
        advertisedPort: advertisedPorts[part],
        credentials,
        labels: own,
      });
    }),
  );
}
