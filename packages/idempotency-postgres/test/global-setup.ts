import { brokerSetup } from '@anymq/testing/brokers';

// A restart of the container is none of the machine: what was written is there.
export const setup: ReturnType<typeof brokerSetup> = brokerSetup('postgres', { configuration: { fsync: 'off' } });
