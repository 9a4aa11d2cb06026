import { brokerSetup } from '@anymq/testing/brokers';

export const setup: ReturnType<typeof brokerSetup> = brokerSetup('postgres', { configuration: { fsync: 'off' } });
