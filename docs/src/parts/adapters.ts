import { installLine } from '../../../packages/core/src/config/adapter-errors.ts';
import { knownAdapters } from '../../../packages/core/src/config/schemes.ts';
import { kafka } from '../../../packages/kafka/src/index.ts';
import { capabilities, limits } from '../../../packages/memory/src/options.ts';
import { rabbitmq } from '../../../packages/rabbitmq/src/index.ts';
import { redisStreams } from '../../../packages/redis-streams/src/index.ts';
import { sqs } from '../../../packages/sqs/src/index.ts';
import { membersOf } from '../interface-members.ts';
import { table } from '../markdown.ts';
import { readSource } from '../pages.ts';

/** Those that pass the whole suite. Whoever lands an adapter adds it, and the tables follow. */
const landed: Readonly<Record<string, Readonly<Record<string, boolean>>>> = {
  memory: capabilities,
  'redis-streams': { ...redisStreams.capabilities },
  rabbitmq: { ...rabbitmq.capabilities },
  kafka: { ...kafka.capabilities },
  sqs: { ...sqs.capabilities },
};

/** The adapters that core knows by name, and whether they are here. */
export function adapterTable(): string {
  return table(
    ['adapter', 'URL', 'installed by', 'status'],
    knownAdapters.map(({ name, schemes }) => [
      `\`@anymq/${name}\``,
      schemes.map((scheme) => `\`${scheme}:\``).join(', '),
      `\`${installLine(name)}\``,
      name in landed ? 'here' : 'being built; not usable yet',
    ]),
  );
}

/** Each capability, and which of the adapters that are here have it. */
export function capabilityTable(): string {
  const members = membersOf(readSource('packages/core/src/capabilities.ts'), 'Capabilities');
  const names = Object.keys(landed);
  return table(
    ['capability', 'what it is', ...names],
    members.map(({ name, text }) => [
      `\`${name}\``,
      text,
      ...names.map((adapter) => (landed[adapter]?.[name] === true ? 'yes' : 'no')),
    ]),
  );
}

/** The limits that the memory driver declares. */
export function limitTable(): string {
  const { delay, ...rest } = limits;
  const all = { ...rest, 'delay.maxMs': delay.maxMs, 'delay.resolutionMs': delay.resolutionMs };
  return table(
    ['limit', 'memory'],
    Object.entries(all).map(([name, value]) => [
      `\`${name}\``,
      typeof value === 'number' ? shown(value) : String(value),
    ]),
  );
}

function shown(value: number): string {
  return value === Infinity ? 'none' : value.toLocaleString('en-US');
}
