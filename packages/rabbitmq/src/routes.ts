import type { SharedContext } from './driver-context.ts';
import type { Encoded } from './encoding.ts';
import { asError, RabbitmqError } from './errors.ts';
import { type Level, levelFor } from './levels.ts';
import type { Publication, PublishResult } from './publisher.ts';
import { type Target, withWait } from './waits.ts';

/** A message, what it is for, and when it is due there: milliseconds since 1970; undefined: now. */
export interface Shipment {
  readonly target: Target;
  readonly encoded: Encoded;
  readonly dueAt: number | undefined;
}

/** As long as a message that we hold waits for the confirmation of its copy. */
const confirmWithinMs = 15_000;

/** Publishes what is on its way already: copies of messages that we hold. One result per shipment, in order. Never rejects. */
export async function ship(context: SharedContext, shipments: readonly Shipment[]): Promise<readonly PublishResult[]> {
  try {
    const publications = await routed(context, shipments);
    const results = await context.publisher.publishWithin(context.clock, confirmWithinMs, publications);
    return checkLevels(context, publications, results);
  } catch (error) {
    return shipments.map(() => asError(error));
  }
}

/** Publications for shipments; makes the levels that they need. What is due in less than a unit goes at once: core waits. */
export async function routed(context: SharedContext, shipments: readonly Shipment[]): Promise<readonly Publication[]> {
  if (shipments.every(({ dueAt }) => dueAt === undefined)) return shipments.map(direct);
  const nowMs = context.clock.now();
  const levels = shipments.map((shipment) => levelOf(context, shipment, nowMs));
  await context.levels.ensure(new Set(levels.filter((level) => level !== undefined)));
  return shipments.map((shipment, index) => {
    const level = levels[index];
    return level === undefined ? direct(shipment) : delayed(context, shipment, level);
  });
}

function levelOf({ levels }: SharedContext, { dueAt }: Shipment, nowMs: number): Level | undefined {
  return dueAt === undefined ? undefined : levelFor(levels.plan, dueAt - nowMs);
}

function delayed({ clock, limits }: SharedContext, shipment: Shipment, { queue, waitMs }: Level): Publication {
  const nowMs = clock.now();
  const dueAt = Math.min(shipment.dueAt ?? 0, nowMs + limits.delay.maxMs);
  const encoded = withWait(shipment.encoded, { until: nowMs + waitMs, dueAt, target: shipment.target });
  return publication({ ...shipment, encoded }, '', queue, true);
}

function direct(shipment: Shipment): Publication {
  const { target } = shipment;
  // A topic without groups takes a message and forgets it; a queue that is not there is an error.
  return 'queue' in target
    ? publication(shipment, '', target.queue, true)
    : publication(shipment, target.exchange, target.routingKey, false);
}

function publication({ encoded }: Shipment, exchange: string, routingKey: string, mandatory: boolean): Publication {
  return {
    exchange,
    routingKey,
    content: encoded.content,
    options: { ...encoded.options, persistent: true, mandatory },
  };
}

/** Levels that somebody removed are made again at the next try. */
export function checkLevels(
  { levels }: SharedContext,
  publications: readonly Publication[],
  results: readonly PublishResult[],
): readonly PublishResult[] {
  if (results.every((result) => result === undefined)) return results;
  const queues = new Set(levels.plan.levels.map(({ queue }) => queue));
  return results.map((result, index) => {
    const isGone = (result as { readonly code?: unknown } | undefined)?.code === 'NO_ROUTE';
    if (result === undefined || !isGone || !queues.has(publications[index]?.routingKey ?? '')) return result;
    levels.forget();
    return new RabbitmqError('NOT_SENT', 'A queue of delays was missing.', { cause: result });
  });
}
