import type { Handler } from '../consume-types.ts';
import { decodeBody } from './decode-body.ts';
import type { DeliveryView } from './delivery-view.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Job } from './job.ts';
import { summaryOf } from './failure.ts';
import type { Runner } from './runner.ts';
import type { Transactor } from './transactor.ts';

/** Runs a handler for each message, as many at once as the consumer's concurrency. */
export function createSingleRunner(
  dispatcher: Dispatcher,
  handler: Handler<unknown>,
  transactor: Transactor | undefined,
): Runner {
  const { settings } = dispatcher.desk;
  const { destination, concurrency, acknowledgeBefore } = settings;
  let slots = 0;

  function pump(): void {
    while (slots < concurrency) {
      const job = dispatcher.take();
      if (job === undefined) return;
      slots++;
      if (acknowledgeBefore) acknowledgeThenRun(job);
      else run(job, dispatcher.begin(job));
    }
  }

  function run(job: Job, delivery: DeliveryView): void {
    let body: unknown;
    try {
      body = decodeBody(destination, job.received);
    } catch (error) {
      return invalid(job, error);
    }
    if (!(body instanceof Promise)) return call(job, body, delivery);
    body.then(
      (decoded) => call(job, decoded, delivery),
      (error: unknown) => invalid(job, error),
    );
  }

  function call(job: Job, body: unknown, delivery: DeliveryView): void {
    // While the body was decoded, or the message acknowledged, its time has ended.
    if (delivery.aborted !== undefined) return end(job, { error: delivery.aborted });
    let returned: unknown;
    try {
      returned = transactor === undefined ? handler(body, delivery) : transactor.run(job, body, delivery, handler);
      // A foreign thenable may throw, or call back twice.
      if (isThenable(returned)) returned = Promise.resolve(returned);
    } catch (error) {
      return end(job, { error });
    }
    if (!(returned instanceof Promise)) return end(job, returned === undefined ? undefined : { value: returned });
    returned.then(
      (value) => end(job, value === undefined ? undefined : { value }),
      (error: unknown) => end(job, { error }),
    );
  }

  function end(job: Job, result: { readonly value: unknown } | { readonly error: unknown } | undefined): void {
    slots--;
    if (acknowledgeBefore) endAcknowledged(job, result);
    else if (transactor?.committed(job) === true) dispatcher.endSettled(job);
    else dispatcher.end(job, result);
  }

  function invalid(job: Job, error: unknown): void {
    slots--;
    if (acknowledgeBefore) endAcknowledged(job, { error });
    else dispatcher.end(job, { invalid: error });
  }

  function acknowledgeThenRun(job: Job): void {
    const delivery = dispatcher.begin(job);
    dispatcher.acknowledge(job, (lost) => {
      if (!lost) return run(job, delivery);
      slots--;
      dispatcher.end(job, { error: delivery.aborted });
    });
  }

  /** At most once: there is nothing left to settle, and nobody to try again. */
  function endAcknowledged(
    job: Job,
    result: { readonly value: unknown } | { readonly error: unknown } | undefined,
  ): void {
    if (result !== undefined && 'error' in result) {
      const { about, context } = dispatcher.desk;
      context.emit({
        type: 'discarded',
        ...about,
        id: job.received.id,
        attempts: job.attempt,
        error: summaryOf(result.error),
      });
    }
    dispatcher.endSettled(job);
  }

  return { pump, stop: () => undefined };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
  );
}
