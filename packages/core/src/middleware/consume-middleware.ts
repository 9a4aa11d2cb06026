import type { BatchConsumeHandler, ConsumeHandler } from '../consume-types.ts';

/** Middleware for both kinds of consumer: a `Middleware<ConsumeHandler>` and a `Middleware<BatchConsumeHandler>`. */
export interface ConsumeMiddleware {
  (next: ConsumeHandler): ConsumeHandler;
  (next: BatchConsumeHandler): BatchConsumeHandler;
}

/** What a handler is for shows in its second argument: a delivery has a message, a batch's context has none. */
export function forBothKinds(
  single: (next: ConsumeHandler) => ConsumeHandler,
  batch: (next: BatchConsumeHandler) => BatchConsumeHandler,
): ConsumeMiddleware {
  const middleware = (next: ConsumeHandler & BatchConsumeHandler) => {
    const [one, many] = [single(next), batch(next)];
    return (first: never, second: Parameters<ConsumeHandler>[1] | Parameters<BatchConsumeHandler>[1]) =>
      'message' in second ? one(first, second) : many(first, second);
  };
  return middleware as ConsumeMiddleware;
}
