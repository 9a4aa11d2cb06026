interface HasSignal {
  readonly signal: AbortSignal;
}

/**
 * A view of a delivery (or of a batch's context) with another signal, made by `makeSignal` when it is first read. The
 * view inherits everything else, so the target must not keep what its getters need in `#private` fields.
 */
export function withSignal<T extends HasSignal>(target: T, makeSignal: () => AbortSignal): T {
  let signal: AbortSignal | undefined;
  return Object.create(target, { signal: { enumerable: true, get: () => (signal ??= makeSignal()) } }) as T;
}

export interface Abortable<T> {
  readonly view: T;
  /** The first reason counts. A signal that is read only later is aborted from the start. */
  readonly abort: (reason: unknown) => void;
}

/** A view whose signal aborts with the target's own, and by `abort`. Neither signal is made before the view's is read. */
export function abortable<T extends HasSignal>(target: T): Abortable<T> {
  let controller: AbortController | undefined;
  let early: { readonly reason: unknown } | undefined;
  const makeSignal = (): AbortSignal => {
    controller = new AbortController();
    if (early === undefined) follow(controller, target.signal);
    else controller.abort(early.reason);
    return controller.signal;
  };
  const abort = (reason: unknown): void => {
    early ??= { reason };
    controller?.abort(reason);
  };
  return { view: withSignal(target, makeSignal), abort };
}

/** The listener stays: a delivery's signal lives and dies with the delivery. */
function follow(controller: AbortController, source: AbortSignal): void {
  if (source.aborted) controller.abort(source.reason);
  else source.addEventListener('abort', () => controller.abort(source.reason), { once: true });
}
