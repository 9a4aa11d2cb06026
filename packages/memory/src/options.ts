import { type Capabilities, invalidOption, type Limits, requireKnown, requireNumber } from '@anymq/core/driver';
import { Broker, type MemoryBroker } from './broker.ts';

export const capabilities = {
  history: true,
  priority: true,
  expiry: true,
  deduplication: false,
  transactions: true,
  exactBacklog: true,
  nativeRedrive: false,
  brokerFilter: true,
  orderedScaleOut: true,
} as const;

export type MemoryCapabilities = typeof capabilities;
/** Capabilities to do without. */
export type CapabilitiesOff = { readonly [Name in keyof Capabilities]?: false };
/** What remains. */
export type CapabilitiesWithout<Off extends CapabilitiesOff> = {
  readonly [Name in keyof MemoryCapabilities]: Name extends keyof Off ? false : MemoryCapabilities[Name];
};

export interface MemoryDriverOptions<Off extends CapabilitiesOff = CapabilitiesOff> {
  /** Several drivers on one broker see each other's messages. A new private broker by default. */
  readonly broker?: MemoryBroker | undefined;
  /** 'anymq' by default. */
  readonly namespace?: string | undefined;
  /** The longest delay that the broker keeps by itself, in milliseconds from 1; 7 days by default. Core hops for longer ones. */
  readonly maxDelayMs?: number | undefined;
  /** How long a lease can be kept, in milliseconds from 1; no bound by default. */
  readonly maxRunMs?: number | undefined;
  /** Capabilities to switch off, as of a broker that lacks them: `{ history: false }`. */
  readonly capabilities?: Off | undefined;
}

const weekMs = 7 * 24 * 60 * 60 * 1000;

export const limits: Limits = {
  maxBodyBytes: 1_048_576,
  maxBatchMessages: 1000,
  maxBatchBytes: 8_388_608,
  maxBatchesInFlight: 4,
  atomicBatch: true,
  delay: { maxMs: weekMs, resolutionMs: 1 },
  maxRunMs: Infinity,
};

/** @throws INVALID_OPTION */
export function limitsOf({ maxDelayMs, maxRunMs }: MemoryDriverOptions): Limits {
  return {
    ...limits,
    delay: { maxMs: requireNumber('maxDelayMs', maxDelayMs ?? weekMs, { min: 1, max: weekMs }), resolutionMs: 1 },
    maxRunMs: requireNumber('maxRunMs', maxRunMs ?? Infinity, { min: 1 }),
  };
}

/** @throws INVALID_OPTION */
export function capabilitiesWithout<Off extends CapabilitiesOff>(off: Off | undefined): CapabilitiesWithout<Off> {
  requireKnown('capabilities', off ?? {}, Object.keys(capabilities));
  for (const [name, value] of Object.entries(off ?? {}) as [string, unknown][]) {
    if (value !== false) throw invalidOption(`capabilities.${name} can only be switched off: false.`);
  }
  return { ...capabilities, ...off } as CapabilitiesWithout<Off>;
}

export const driverOptionNames: readonly string[] = ['broker', 'namespace', 'maxDelayMs', 'maxRunMs', 'capabilities'];

/** @throws INVALID_OPTION */
export function requireBroker(broker: MemoryBroker): Broker {
  if (broker instanceof Broker) return broker;
  if (typeof broker === 'object' && broker !== null && 'runtime' in broker) return broker as Broker; // of another copy of this package
  throw invalidOption('broker must come from createMemoryBroker().');
}
