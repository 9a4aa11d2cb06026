import { AnymqError } from './errors.ts';
import { requireKnown, requireNumber } from './options.ts';

const brand: unique symbol = Symbol.for('anymq.outcome') as never;
const maxDelayMs = 7 * 24 * 60 * 60 * 1000;

/** What a handler may return instead of nothing. Made by `retryLater`, `reject` and `release`. */
export type Outcome =
  | { readonly [brand]: 'retryLater'; readonly delayMs: number; readonly charge: boolean }
  | { readonly [brand]: 'reject'; readonly reason: string }
  | { readonly [brand]: 'release'; readonly delayMs: number };

/** Again after `ms` (0 to 7 days). Charged: at the last attempt it dead-letters. `{ charge: false }`: never. @throws INVALID_OPTION */
export function retryLater(ms: number, options: { readonly charge?: boolean } = {}): Outcome {
  requireKnown('retryLater', options, ['charge']);
  const delayMs = requireNumber('retryLater(ms)', ms, { min: 0, max: maxDelayMs });
  return { [brand]: 'retryLater', delayMs, charge: options.charge ?? true };
}

/** Dead-letters now, with this reason. */
export function reject(reason: string): Outcome {
  return { [brand]: 'reject', reason: String(reason) };
}

/** Back to the broker, uncharged, after `delayMs` (1,000 by default; 0 to 7 days). @throws INVALID_OPTION */
export function release(options: { readonly delayMs?: number } = {}): Outcome {
  requireKnown('release', options, ['delayMs']);
  return {
    [brand]: 'release',
    delayMs: requireNumber('release delayMs', options.delayMs ?? 1000, { min: 0, max: maxDelayMs }),
  };
}

/** Undefined for anything that is not an outcome: a handler that returned something else has succeeded. */
export function outcomeKind(value: unknown): Outcome[typeof brand] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    return (value as Partial<Outcome>)[brand];
  } catch {
    return undefined;
  }
}

/** What a batch handler returned, for so many deliveries. @throws INVALID_OPTION */
export function outcomesOf(returned: unknown, count: number): readonly (Outcome | undefined)[] | undefined {
  if (returned === undefined || (Array.isArray(returned) && returned.length === count)) return returned;
  throw new AnymqError(
    'INVALID_OPTION',
    'A batch handler returns nothing, or an outcome (or undefined) for each delivery, in order.',
  );
}
