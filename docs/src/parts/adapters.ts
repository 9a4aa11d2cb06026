import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installLine, knownAdapters, packageOf } from '../../../packages/core/src/config/schemes.ts';
import { capabilities, limits } from '../../../packages/memory/src/options.ts';
import { membersOf } from '../interface-members.ts';
import { table } from '../markdown.ts';
import { readSource, workspace } from '../pages.ts';

/** The adapters that core knows by name, and whether they are here. */
export function adapterTable(): string {
  return table(
    ['adapter', 'URL', 'installed by', 'status'],
    knownAdapters.map((adapter) => [
      `\`${packageOf(adapter)}\``,
      adapter.schemes.map((scheme) => `\`${scheme}:\``).join(', '),
      `\`${installLine(adapter)}\``,
      existsSync(join(workspace, 'packages', adapter.driver, 'src')) ? 'here' : 'being built; not usable yet',
    ]),
  );
}

const adapters: Readonly<Record<string, Readonly<Record<string, boolean>>>> = { memory: capabilities };

/** Each capability, and which of the adapters that are here have it. */
export function capabilityTable(): string {
  const members = membersOf(readSource('packages/core/src/capabilities.ts'), 'Capabilities');
  const names = Object.keys(adapters);
  return table(
    ['capability', 'what it is', ...names],
    members.map(({ name, text }) => [
      `\`${name}\``,
      text,
      ...names.map((adapter) => (adapters[adapter]?.[name] === true ? 'yes' : 'no')),
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
