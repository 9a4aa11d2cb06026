import type { Middleware } from '../send-types.ts';

/** The first is outermost. */
export function compose<H>(use: readonly Middleware<H>[], handler: H): H {
  return use.reduceRight((next, middleware) => middleware(next), handler);
}
