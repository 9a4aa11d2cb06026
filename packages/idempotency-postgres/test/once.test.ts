import { sharedBroker } from '@anymq/testing/brokers';
import { describe, expect, test } from 'vitest';
import { prove, type Proof } from './once/proof.ts';
import type { Protection } from './once/settings.ts';

const redis = sharedBroker('redis')?.url;
const rabbitmq = sharedBroker('rabbitmq')?.url;
const postgres = sharedBroker('postgres')?.url;
/** Half a minute at the most on a machine of its own. */
const limits = { timeout: 300_000 };

const stores: readonly (readonly [Protection, string | undefined])[] = [
  ['redis', redis],
  ['postgres', postgres],
];
const brokers = [
  ['Redis Streams', redis],
  ['RabbitMQ', rabbitmq],
] as const;

describe.each(brokers)('on %s, with processes that are killed and handlers that fail', limits, (_, brokerUrl) => {
  test.runIf(brokerUrl && postgres)('with transactional every effect stands exactly once', async () => {
    const urls = { brokerUrl: brokerUrl ?? '', storeUrl: postgres ?? '', journalUrl: postgres ?? '' };
    const { effects, kills } = await prove({ ...urls, protection: 'transactional' });
    expect([...effects.values()].filter((count) => count !== 1)).toEqual([]);
    expect(effects.size).toBe(1000);
    expect(kills).toBeGreaterThan(2);
  });

  test.runIf(brokerUrl && postgres).each(stores)(
    'with idempotent and %s what is completed never starts again',
    async (protection, storeUrl) => {
      const urls = { brokerUrl: brokerUrl ?? '', storeUrl: storeUrl ?? '', journalUrl: postgres ?? '' };
      const proof = await prove({ ...urls, protection });
      expect(faultsOf(proof)).toEqual({ missing: [], repeated: [], startedAfterCompletion: [], twoAtOnce: [] });
      expect(proof.kills).toBeGreaterThan(2);
    },
  );
});

function faultsOf({ missing, repeated, startedAfterCompletion, twoAtOnce }: Proof): object {
  return { missing, repeated, startedAfterCompletion, twoAtOnce };
}
