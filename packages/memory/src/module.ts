import { type DriverModule, invalidOption, readQuery, requireKnown } from '@anymq/core/driver';
import { Broker, type MemoryBroker } from './broker.ts';
import { createMemoryDriver } from './driver.ts';
import { classifyError } from './errors.ts';
import { capabilities, limits } from './options.ts';
import { openSharedBroker } from './registry.ts';

const urlOptions = { maxDelayMs: 'number', maxRunMs: 'number' } as const;

/**
 * `memory:` is a private broker; `memory:NAME` is shared by name within the process. Query: `maxDelayMs`, `maxRunMs`. In a
 * configuration object: `{ driver: 'memory', broker: 'NAME' or a broker, maxDelayMs, maxRunMs }`.
 */
export const memory: DriverModule = {
  specificationVersion: 1,
  name: 'memory',
  schemes: ['memory'],
  capabilities,
  limits,
  parseUrl(url) {
    const { name, query } = splitUrl(url);
    return { ...(name === '' ? {} : { broker: name }), ...readQuery('A memory URL', query, urlOptions) };
  },
  classifyError,
  async create(options, { namespace, clock }) {
    requireKnown("The driver 'memory'", options, ['broker', ...Object.keys(urlOptions)]);
    const { broker, maxDelayMs, maxRunMs } = options;
    const chosen =
      typeof broker === 'string'
        ? openSharedBroker(broker, clock)
        : ((broker as MemoryBroker | undefined) ?? new Broker(clock));
    return createMemoryDriver({
      broker: chosen,
      namespace,
      maxDelayMs: maxDelayMs as number | undefined,
      maxRunMs: maxRunMs as number | undefined,
    });
  },
};

function splitUrl(url: string): { readonly name: string; readonly query: URLSearchParams } {
  const match = /^memory:(?:\/\/)?([^?#]*)(?:\?([^#]*))?$/.exec(url);
  const name = decodeName(match?.[1] ?? '');
  if (match === null || !/^[A-Za-z0-9._-]*$/.test(name)) {
    throw invalidOption(
      'A memory URL is memory: or memory:NAME, NAME being letters, digits, dots, dashes and underscores.',
    );
  }
  return { name, query: new URLSearchParams(match[2] ?? '') };
}

function decodeName(text: string): string {
  return text.endsWith('/') ? text.slice(0, -1) : text;
}
