import { brokerSetup } from '@anymq/testing/brokers';

const setups = [
  // A restart of the container is none of the machine: what was written is there.
  brokerSetup('postgres', { configuration: { fsync: 'off' } }),
  ...(['redis', 'rabbitmq', 'kafka', 'sqs'] as const).map((name) => brokerSetup(name)),
];

export async function setup(): Promise<() => Promise<void>> {
  const teardowns = await Promise.all(setups.map((each) => each()));
  return async () => {
    for (const teardown of teardowns) await teardown?.();
  };
}
