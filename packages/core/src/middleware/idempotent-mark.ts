const mark: symbol = Symbol.for('anymq.idempotent');

/** Marks middleware that a consumer with `acknowledge: 'before'` must refuse. Changes and returns it. */
export function markIdempotent<M extends object>(middleware: M): M {
  return Object.defineProperty(middleware, mark, { value: true });
}

/** Of any copy of this package. */
export function isIdempotent(middleware: unknown): boolean {
  return typeof middleware === 'function' && mark in middleware;
}
