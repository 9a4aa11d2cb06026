import { brokerUrl, containerHandle, withSpecs } from './broker.ts';
import { brokerTable, urlInEnvironment } from './broker-table.ts';
import type { BrokerName } from './broker-table.ts';
import type { StartedContainer } from './container.ts';
import { createGuard } from './guard.ts';
import type { Guard } from './guard.ts';
import { labels } from './labels.ts';
import { docker } from './run-command.ts';
import { say, timed } from './say.ts';
import { startContainers } from './start-broker.ts';

/** A broker that runs for a person, from `upBrokers` to `downBrokers`; the containers' labels alone tell of it. */
export interface UpBroker {
  readonly name: BrokerName;
  readonly url: string;
  /** Where it comes from: the environment's URL, or a container. */
  readonly from: 'environment' | 'container';
  /** Whether it answers right now. What the environment names is not asked. */
  readonly answers: boolean;
}

/**
 * Starts those that do not run yet, and resolves when all answer. They outlive this process. When one of them cannot be
 * started, when `signal` aborts or when the process ends before that, those that this call started are removed.
 *
 * @throws {BrokerUnavailableError} when one of them is not to be had
 */
export async function upBrokers(
  names: readonly BrokerName[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<readonly UpBroker[]> {
  const guard = createGuard();
  try {
    const up = await Promise.race([upAll(names, guard), ...(signal === undefined ? [] : [aborted(signal)])]);
    guard.dismiss();
    return up;
  } catch (error) {
    await guard.remove();
    throw error;
  }
}

async function upAll(names: readonly BrokerName[], guard: Guard): Promise<readonly UpBroker[]> {
  const up: UpBroker[] = [];
  for (const name of names) {
    const given = urlInEnvironment(name);
    const url = given ?? brokerUrl(name, await getUp(name, guard));
    up.push({ name, url, from: given === undefined ? 'container' : 'environment', answers: true });
  }
  return up;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** Finds the containers and brings back those that do not answer; starts new ones where any is missing. */
async function getUp(name: BrokerName, guard: Guard): Promise<readonly StartedContainer[]> {
  const found = await findUp(name);
  if (found.length < brokerTable[name].containers.length) {
    if (found.length > 0) await containerHandle(name, found).stop();
    return timed(say, `starting ${name}`, () => startContainers(name, {}, guard, 'up'));
  }
  // Ended by a restart of the machine, or paused by hand.
  if (!(await allAnswer(name, found)))
    await timed(say, `restarting ${name}`, () => containerHandle(name, found).restart());
  return found;
}

/** Removes what `upBrokers` started, and returns the names of what that was. */
export async function downBrokers(names: readonly BrokerName[]): Promise<readonly BrokerName[]> {
  const found = await Promise.all(names.map(async (name) => ({ name, containers: await findUp(name) })));
  const running = found.filter(({ containers }) => containers.length > 0);
  await Promise.all(running.map(({ name, containers }) => containerHandle(name, containers).stop()));
  return running.map(({ name }) => name);
}

/** Those that `upBrokers` would not start again. */
export async function brokerStatus(names: readonly BrokerName[]): Promise<readonly UpBroker[]> {
  const found = await Promise.all(names.map(statusOf));
  return found.filter((broker) => broker !== undefined);
}

async function statusOf(name: BrokerName): Promise<UpBroker | undefined> {
  const url = urlInEnvironment(name);
  if (url !== undefined) return { name, url, from: 'environment', answers: true };
  const containers = await findUp(name);
  if (containers.length === 0) return undefined;
  return { name, url: brokerUrl(name, containers), from: 'container', answers: await allAnswer(name, containers) };
}

async function allAnswer(name: BrokerName, containers: readonly StartedContainer[]): Promise<boolean> {
  const probes = withSpecs(name, containers).map(({ spec, port }) => spec.answers(port));
  return (await Promise.allSettled(probes)).every(({ status }) => status === 'fulfilled');
}

/** The broker's containers in their order; none when Docker does not answer. */
async function findUp(name: BrokerName): Promise<readonly StartedContainer[]> {
  const fields = ['{{.ID}}', labelled(labels.part), labelled(labels.port)].join(' ');
  const filters = [`${labels.use}=up`, `${labels.broker}=${name}`].flatMap((label) => ['--filter', `label=${label}`]);
  const { code, stdout } = await docker(['ps', '--all', ...filters, '--format', fields]);
  return code === 0 ? readContainers(stdout) : [];
}

/** Of the lines `id part port`, the containers in the order of their parts. */
export function readContainers(lines: string): readonly StartedContainer[] {
  const rows = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '));
  return rows
    .toSorted(([, a], [, b]) => Number(a) - Number(b))
    .map(([id = '', , port]) => ({ id, port: Number(port) }));
}

function labelled(label: string): string {
  return `{{.Label "${label}"}}`;
}
