import { requireNumber } from '../options.ts';

/** @throws INVALID_OPTION */
export function requireLimit(limit: number = Infinity): number {
  return limit === Infinity ? limit : requireNumber('limit', limit, { min: 0, integer: true });
}
