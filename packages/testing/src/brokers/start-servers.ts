import type { BrokerContainer } from './broker.ts';
import { containerHandle } from './broker.ts';
import type { ImageSpec } from './broker-spec.ts';
import { brokerTable } from './broker-table.ts';
import type { BrokerName } from './broker-table.ts';
import type { StartedContainer } from './container.ts';
import { freePort } from './free-port.ts';
import { processGuard } from './guard.ts';
import { resolveImage } from './image.ts';
import { labels } from './labels.ts';
import { untilItAnswers } from './readiness.ts';
import { docker, succeed } from './run-command.ts';

export interface StartServersOptions {
  /** How many servers listen in the container, each on a port of its own. */
  readonly count: number;
  /** The container's command line. It ends when all of the servers have. */
  readonly command: (ports: readonly number[]) => readonly string[];
  /** Another image than the broker's own, as for `startBroker`. */
  readonly image?: Partial<ImageSpec>;
}

export interface StartedServers {
  /** Of 127.0.0.1, and of the container as well: so a server may tell a client, or another server, where it is. */
  readonly ports: readonly number[];
  /** Docker's name of the container. */
  readonly id: string;
  /** `restart` waits for the first server only. */
  readonly container: BrokerContainer;
}

const tries = 3;

/**
 * Starts several servers of one broker in one container, as a cluster needs them, and resolves when all of them answer. They
 * end as those of `startBroker` do. May be called concurrently.
 *
 * @throws {BrokerUnavailableError} when neither the image nor Docker is to be had
 */
export async function startServers(name: BrokerName, options: StartServersOptions): Promise<StartedServers> {
  const [spec] = brokerTable[name].containers;
  const image = await resolveImage({ ...spec.image, ...options.image });
  const started = await run(name, image, options);
  const container = containerHandle(name, started.slice(0, 1));
  try {
    await Promise.all(started.map(({ id, port }) => untilItAnswers(docker, id, spec, port)));
  } catch (error) {
    await container.stop();
    throw error;
  }
  return { id: started[0]?.id ?? '', ports: started.map(({ port }) => port), container };
}

async function run(
  name: BrokerName,
  image: string,
  { count, command }: StartServersOptions,
): Promise<readonly StartedContainer[]> {
  const [mark, process] = processGuard().mark;
  const marks = { [mark]: process, [labels.use]: 'run', [labels.broker]: name };
  const labelled = Object.entries(marks).flatMap(([label, value]) => ['--label', `${label}=${value}`]);
  for (let attempt = 1; ; attempt += 1) {
    const ports = await freePorts(count);
    const published = ports.flatMap((port) => ['--publish', `127.0.0.1:${port}:${port}`]);
    const running = docker(['run', '--detach', ...labelled, ...published, image, ...command(ports)]);
    const { output } = await running;
    // Somebody else was quicker: the free port is not ours until Docker has it.
    if (attempt < tries && /port is already allocated|address already in use/i.test(output)) continue;
    const id = (await succeed(running, `docker run (${name})`)).trim();
    return ports.map((port) => ({ id, port }));
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
