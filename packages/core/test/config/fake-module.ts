import type { Capabilities, Limits } from '../../src/capabilities.ts';
import type { DriverModule } from '../../src/driver-interface.ts';

export const noCapabilities: Capabilities = {
  history: false,
  priority: false,
  expiry: false,
  deduplication: false,
  transactions: false,
  exactBacklog: false,
  nativeRedrive: false,
  brokerFilter: false,
  orderedScaleOut: false,
};

export const someLimits: Limits = {
  maxBodyBytes: 262_144,
  maxBatchMessages: 10,
  maxBatchBytes: 262_144,
  maxBatchesInFlight: 1,
  atomicBatch: true,
  delay: { maxMs: 900_000, resolutionMs: 1 },
  maxRunMs: 43_200_000,
};

/** A driver module that can only be looked at. */
export function fakeModule(
  name: string,
  schemes: readonly string[],
  changes: Partial<DriverModule> = {},
): DriverModule {
  return {
    specificationVersion: 1,
    name,
    schemes,
    capabilities: noCapabilities,
    limits: someLimits,
    parseUrl: (url) => ({ host: new URL(url).host }),
    classifyError: () => ({ code: 'UNKNOWN', retryable: true }),
    create: () => Promise.reject(new Error('not for tests of the configuration')),
    ...changes,
  };
}

export async function failure(run: () => unknown): Promise<Error & { readonly code?: string }> {
  try {
    await run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('It should have failed.');
}
