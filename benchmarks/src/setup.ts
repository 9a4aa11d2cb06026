import { type ConsumerOptions, createMemoryStore, defineQueue, idempotent, type Queue } from '@anymq/core';
import { type CodecName, payloadOf } from './payload.ts';

/**
 * 'plain': no second attempt, no dead letters. 'safe': retry, dead letters and idempotency. 'ordered': plain, by a key,
 * 1,000 of them.
 */
export type Variant = 'plain' | 'safe' | 'ordered';

export interface Setup {
  readonly codec: CodecName;
  readonly variant: Variant;
}

export const queueName = 'bench';

export function queueOf({ codec: name, variant }: Setup): Queue {
  const { codec, keyOf } = payloadOf(name);
  return variant === 'ordered'
    ? defineQueue(queueName, { codec, key: keyOf, ordering: 'key' })
    : defineQueue(queueName, { codec });
}

/** Options of both kinds of consumer. A new store each time, so that nothing is known from the round before. */
export function consumerOptionsOf({ variant }: Setup): Pick<ConsumerOptions, 'retry' | 'deadLetter'> & {
  readonly use: readonly ReturnType<typeof idempotent>[];
} {
  if (variant !== 'safe') return { retry: false, deadLetter: false, use: [] };
  return { retry: { maxAttempts: 5 }, deadLetter: true, use: [idempotent({ store: createMemoryStore() })] };
}
