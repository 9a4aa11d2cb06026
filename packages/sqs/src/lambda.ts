import { type ConsumerDefinition, createClient } from '@anymq/core';
import { type Driver, type Receiver, sleep } from '@anymq/core/driver';
import { Connection } from './client.ts';
import { openQueue } from './driver-context.ts';
import type { DriverContext } from './driver-context.ts';
import { createDriver } from './driver.ts';
import { ownError } from './errors.ts';
import { EventReceiver } from './event-receiver.ts';
import { limits, readSettings, type SqsDriverOptions } from './options.ts';
import { type SqsRecord, toRaw } from './event-record.ts';

export type { SqsRecord, SqsRecordAttribute } from './event-record.ts';

export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

export interface LambdaContext {
  getRemainingTimeInMillis(): number;
}

/** With `ReportBatchItemFailures` in the event source mapping, Lambda deletes what is not in it. */
export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** Left of the invocation for giving back what still runs, and for the answer. */
const marginMs = 2000;
const answerMs = 500;

/**
 * The same consumer on an SQS event source of Lambda. Retries and dead letters are written as by a running consumer; what is handled, or was
 * copied, is left to Lambda to delete, and the rest is reported as failed: in a FIFO queue with all that follows it in its group.
 * Needs `ReportBatchItemFailures`, and the right to send to the queue and to its dead letters. The client is made once for all invocations.
 */
export function lambdaHandler<In, Out>(
  definition: ConsumerDefinition<In, Out>,
  options: SqsDriverOptions = {},
): (event: SqsEvent, context: LambdaContext) => Promise<BatchResponse> {
  const { connection: where, tuning, ...rest } = readSettings(options);
  let shared: DriverContext | undefined;
  return async ({ Records: records }, invocation) => {
    shared ??= { connection: new Connection(where, tuning), tuning, limits, filtered: new Map(), ...rest };
    const name = nameOf(records);
    const place = await openQueue(shared, definition.destination.kind, name);
    const receiver = new EventReceiver(shared, place, records.map(toRaw), definition.destination.name);
    await handle(definition, shared, receiver, () => invocation.getRemainingTimeInMillis());
    return { batchItemFailures: receiver.failed().map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

async function handle<In, Out>(
  definition: ConsumerDefinition<In, Out>,
  context: DriverContext,
  receiver: EventReceiver,
  remainingMs: () => number,
): Promise<void> {
  const { logger, clock } = context;
  const client = await createClient(driverFor(context, receiver), { logger, clock });
  const [waited, over] = [new AbortController(), new AbortController()];
  try {
    const consumer = client.run(definition);
    await consumer.start();
    const late = sleep(clock, Math.max(0, remainingMs() - marginMs), waited.signal);
    await Promise.race([receiver.finished, late, consumer.finished]);
  } catch (error) {
    // What was not settled is reported as failed.
    logger.error('The messages of an event could not be handled.', {
      error: error instanceof Error ? error.name : typeof error,
    });
  } finally {
    waited.abort();
    const closed = client.close({ deadlineMs: 0 }).finally(() => over.abort());
    await Promise.race([closed, sleep(clock, Math.max(0, remainingMs() - answerMs), over.signal)]);
    receiver.end();
  }
}

/** Its queue is there, and its messages are those of the event; what handlers send goes the usual way. Open between invocations. */
function driverFor(context: DriverContext, receiver: EventReceiver): Driver {
  return {
    ...createDriver(context),
    openReceiver: async (_from, { onLost }): Promise<Receiver> => {
      receiver.listen(onLost);
      return receiver;
    },
    provision: async () => ({ created: [], differences: [] }),
    close: async () => undefined,
  };
}

function nameOf(records: readonly SqsRecord[]): string {
  const [name = '', ...others] = new Set(records.map(({ eventSourceARN: arn }) => arn.split(':').at(-1) ?? ''));
  if (name === '' || others.length > 0) throw ownError('INVALID_OPTION', 'The event is not one of a single SQS queue.');
  return name;
}
