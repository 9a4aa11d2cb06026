import type { Handler } from '../consume-types.ts';
import { decodeBody } from './decode-body.ts';
import type { DeliveryView } from './delivery-view.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Job } from './job.ts';
import type { RunResult } from './run-end.ts';
import type { Runner } from './runner.ts';

/** How a message is run where that is not just: the handler, then its settlement. */
export interface RunMode {
  /** Calls `run` when the run may begin. */
  start?(job: Job, run: () => void): void;
  /** Instead of the handler. */
  call?(job: Job, body: unknown, delivery: DeliveryView): unknown;
  /** True when it has ended the run itself. */
  end(job: Job, result: RunResult): boolean;
}

/** Runs a handler for each message, as many at once as the consumer's concurrency. */
export function createSingleRunner(dispatcher: Dispatcher, handler: Handler<unknown>, mode?: RunMode): Runner {
  const { desk } = dispatcher;
  const { destination, concurrency } = desk.settings;

  function pump(): void {
    while (desk.running < concurrency) {
      const job = dispatcher.take();
      if (job === undefined) return;
      const delivery = dispatcher.begin(job);
      if (mode?.start === undefined) run(job, delivery);
      else mode.start(job, () => run(job, delivery));
    }
  }

  function run(job: Job, delivery: DeliveryView): void {
    let body: unknown;
    try {
      body = decodeBody(destination, job.received);
    } catch (error) {
      return end(job, { invalid: error });
    }
    if (!(body instanceof Promise)) return call(job, body, delivery);
    body.then(
      (decoded) => call(job, decoded, delivery),
      (error: unknown) => end(job, { invalid: error }),
    );
  }

  function call(job: Job, body: unknown, delivery: DeliveryView): void {
    // While the body was decoded, or the message acknowledged, its time has ended.
    if (delivery.aborted !== undefined) return end(job, { error: delivery.aborted });
    let returned: unknown;
    try {
      returned = mode?.call === undefined ? handler(body, delivery) : mode.call(job, body, delivery);
      // A foreign thenable may throw, or call back twice.
      if (isThenable(returned)) returned = Promise.resolve(returned);
    } catch (error) {
      return end(job, { error });
    }
    if (!(returned instanceof Promise)) return end(job, resultOf(returned));
    returned.then(
      (value) => end(job, resultOf(value)),
      (error: unknown) => end(job, { error }),
    );
  }

  function end(job: Job, result: RunResult): void {
    if (mode?.end(job, result) !== true) dispatcher.end(job, result);
  }

  return { pump, stop: () => undefined };
}

function resultOf(value: unknown): RunResult {
  return value === undefined ? undefined : { value };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
  );
}
