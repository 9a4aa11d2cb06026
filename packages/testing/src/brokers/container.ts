import type * as Testcontainers from 'testcontainers';
import type { Configuration, ContainerSpec, Credentials } from './broker-spec.ts';
import { freePort } from './free-port.ts';
import { lastLines, untilItAnswers } from './readiness.ts';
import { labels } from './labels.ts';
import { docker } from './run-command.ts';

export interface StartedContainer {
  readonly id: string;
  readonly port: number;
}

export interface StartContainerOptions {
  readonly image: string;
  readonly configuration: Configuration;
  /** The port that clients are told. Undefined: the published one. */
  readonly advertisedPort: number | undefined;
  readonly credentials: Credentials | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

const tries = 3;

/** Starts a container whose port is published on 127.0.0.1, and waits until its server answers. */
export async function startContainer(spec: ContainerSpec, options: StartContainerOptions): Promise<StartedContainer> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { id: await startOn(port, spec, options), port };
    } catch (error) {
      const lastWords = await removeFailed(port, options);
      // Somebody else was quicker: the free port is not ours until Docker has it.
      if (attempt < tries && /port is already allocated|address already in use/i.test(String(error))) continue;
      if (lastWords === '') throw error;
      throw new Error(`${spec.image.folder} ended:\n${lastWords}`, { cause: error });
    }
  }
}

async function startOn(port: number, spec: ContainerSpec, options: StartContainerOptions): Promise<string> {
  const { GenericContainer, PullPolicy } = await testcontainers();
  const launch = spec.launch(options.configuration, options.advertisedPort ?? port, options.credentials);
  const create = class extends GenericContainer {
    // The port bindings of testcontainers are on all the machine's addresses.
    protected override beforeContainerCreated = async (): Promise<void> => {
      this.hostConfig.PortBindings = { [`${spec.port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(port) }] };
    };
  };
  const container = new create(options.image)
    .withPullPolicy(PullPolicy.neverPull())
    .withExposedPorts({ container: spec.port, host: port })
    .withLabels({ ...options.labels, [labels.port]: String(port) })
    .withEnvironment({ ...launch.environment })
    .withCopyContentToContainer(Object.entries(launch.files ?? {}).map(([target, content]) => ({ target, content })))
    .withWaitStrategy(answering(spec, port))
    // The guard removes it: the reaper's image may not be to be had, and switching the reaper off for a whole process would
    // take it from the process's other containers.
    .withAutoCleanup(false);
  if (launch.command !== undefined) container.withCommand([...launch.command]);
  return (await container.start()).getId();
}

function answering(spec: ContainerSpec, port: number) {
  return {
    waitUntilReady: ({ id }: { readonly id: string }) => untilItAnswers(docker, id, spec, port),
    withStartupTimeout() {
      return this;
    },
    isStartupTimeoutSet: () => true,
    getStartupTimeout: () => 0,
  };
}

/** testcontainers leaves a container that did not start, or that ended at once. Returns what it said last. */
async function removeFailed(port: number, options: StartContainerOptions): Promise<string> {
  const marks = Object.entries({ ...options.labels, [labels.port]: String(port) });
  const filters = marks.flatMap(([name, value]) => ['--filter', `label=${name}=${value}`]);
  const id = (await docker(['ps', '--all', '--quiet', ...filters])).stdout.trim();
  if (id === '') return '';
  const said = await lastLines(docker, id);
  await docker(['rm', '--force', '--volumes', id]);
  return said;
}

async function testcontainers(): Promise<typeof Testcontainers> {
  try {
    return await import('testcontainers');
  } catch (error) {
    throw new Error('Brokers in containers need the package testcontainers: npm install --save-dev testcontainers', {
      cause: error,
    });
  }
}
