import type { BatchDelivery, Delivery } from '../consume-types.ts';

interface HasSignal {
  readonly signal: AbortSignal;
}

/** A signal that aborts with its source's, and by `abort`. Neither is made before it is read. */
export class OwnSignal implements HasSignal {
  readonly #source: HasSignal;
  #controller: AbortController | undefined;
  #early: { readonly reason: unknown } | undefined;

  constructor(source: HasSignal) {
    this.#source = source;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#make();
    return this.#controller.signal;
  }

  /** The first reason counts. A signal that is read only later is aborted from the start. */
  abort(reason: unknown): void {
    this.#early ??= { reason };
    this.#controller?.abort(reason);
  }

  #make(): AbortController {
    const controller = new AbortController();
    if (this.#early === undefined) follow(controller, this.#source.signal);
    else controller.abort(this.#early.reason);
    return controller;
  }
}

/** The listener stays: a delivery's signal lives and dies with the delivery. */
function follow(controller: AbortController, source: AbortSignal): void {
  if (source.aborted) controller.abort(source.reason);
  else source.addEventListener('abort', () => controller.abort(source.reason), { once: true });
}

/** The delivery with the signal of `source`, which is read when the handler reads it, and the delivery's own never. */
export function withSignal<T extends Delivery>(delivery: T, source: HasSignal): T {
  return new DeliveryWithSignal(delivery, source) as unknown as T;
}

type AllOf<T> = { readonly [Name in keyof Required<T>]: T[Name] };

/** A class of its own, for a delivery must not become a prototype: that costs microseconds. */
class DeliveryWithSignal implements AllOf<BatchDelivery<unknown>> {
  readonly message: Delivery['message'];
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly destination: string;
  readonly group: string | undefined;
  readonly send: Delivery['send'];
  /** Of a batch's member. */
  readonly body: unknown;
  readonly #source: HasSignal;

  constructor(delivery: Delivery & { readonly body?: unknown }, source: HasSignal) {
    this.message = delivery.message;
    this.attempt = delivery.attempt;
    this.redelivered = delivery.redelivered;
    this.destination = delivery.destination;
    this.group = delivery.group;
    // eslint-disable-next-line typescript/unbound-method
    this.send = delivery.send;
    this.body = delivery.body;
    this.#source = source;
  }

  get signal(): AbortSignal {
    return this.#source.signal;
  }
}
