import type { Handler } from '../consume-types.ts';
import type { RunResult } from './decide.ts';
import { decodeBody } from './decode-body.ts';
import type { DeliveryView } from './delivery-view.ts';
import type { Dispatcher } from './dispatcher.ts';
import { summaryOf } from './failure.ts';
import type { Job } from './job.ts';
import type { Runner } from './runner.ts';
import type { Transactor } from './transactor.ts';

/** Runs a handler for each message, as many at once as the consumer's concurrency. */
export function createSingleRunner(
  dispatcher: Dispatcher,
  handler: Handler<unknown>,
  transactor: Transactor | undefined,
): Runner {
  const { desk } = dispatcher;
  const { destination, concurrency, acknowledgeBefore } = desk.settings;

  function pump(): void {
    while (desk.running < concurrency) {
      const job = dispatcher.take();
      if (job === undefined) return;
      const delivery = dispatcher.begin(job);
      if (acknowledgeBefore) acknowledgeThenRun(job, delivery);
      else run(job, delivery);
    }
  }

  function run(job: Job, delivery: DeliveryView): void {
    const invalid = (error: unknown): void => end(job, { invalid: error });
    let body: unknown;
    try {
      body = decodeBody(destination, job.received);
    } catch (error) {
      return invalid(error);
    }
    if (body instanceof Promise) body.then((decoded) => call(job, decoded, delivery), invalid);
    else call(job, body, delivery);
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
    const succeed = (value: unknown): void => end(job, value === undefined ? undefined : { value });
    if (returned instanceof Promise) returned.then(succeed, (error: unknown) => end(job, { error }));
    else succeed(returned);
  }

  function end(job: Job, result: RunResult | undefined): void {
    if (acknowledgeBefore) endAcknowledged(job, result);
    else if (transactor?.committed(job) === true) dispatcher.endSettled(job);
    else dispatcher.end(job, result);
  }

  function acknowledgeThenRun(job: Job, delivery: DeliveryView): void {
    dispatcher.acknowledge(job, (lost) => {
      if (lost) dispatcher.end(job, { error: delivery.aborted });
      else run(job, delivery);
    });
  }

  /** At most once: there is nothing left to settle, and nobody to try again. */
  function endAcknowledged(job: Job, result: RunResult | undefined): void {
    const failed = result !== undefined && !('value' in result);
    if (failed) {
      const error = summaryOf('error' in result ? result.error : result.invalid);
      desk.tell('discarded', job, { attempts: job.attempt, error });
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
