import type { AmqpMessage } from './client.ts';
import type { Encoded } from './encoding.ts';

/** What a delayed message is for: a queue, or a topic's exchange with its own routing key. */
export type Target = { readonly queue: string } | { readonly exchange: string; readonly routingKey: string };

/** Of a message in a level. Times are milliseconds since 1970. */
export interface Wait {
  /** When it leaves this level. */
  readonly until: number;
  /** When it is to be with its target. */
  readonly dueAt: number;
  readonly target: Target;
}

/** In the levels only: `[until, dueAt, queue]` or `[until, dueAt, exchange, routing key]` as JSON. */
export const waitHeader = 'anymq-wait';

export function withWait({ content, options }: Encoded, { until, dueAt, target }: Wait): Encoded {
  const place = 'queue' in target ? [target.queue] : [target.exchange, target.routingKey];
  const wait = JSON.stringify([until, dueAt, ...place]);
  return { content, options: { ...options, headers: { ...options.headers, [waitHeader]: wait } } };
}

/** Undefined: not of our making. */
export function waitOf({ properties }: AmqpMessage): Wait | undefined {
  const text = properties.headers?.[waitHeader];
  if (typeof text !== 'string') return undefined;
  const [until, dueAt, place, routingKey] = parsed(text);
  if (!Number.isFinite(until) || !Number.isFinite(dueAt) || typeof place !== 'string') return undefined;
  const target = typeof routingKey === 'string' ? { exchange: place, routingKey } : { queue: place };
  return { until: until as number, dueAt: dueAt as number, target };
}

function parsed(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
