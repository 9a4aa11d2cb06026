import { brokerSetup } from '@anymq/testing/brokers';

const setups = (['postgres', 'redis'] as const).map((name) => brokerSetup(name));

export async function setup(): Promise<() => Promise<void>> {
  const teardowns = await Promise.all(setups.map((each) => each()));
  return async () => {
    for (const teardown of teardowns) await teardown?.();
  };
}
