import type { DriverContext } from './driver-context.ts';
import type { Encoded } from './encoding.ts';
import { RabbitmqError, replyCode } from './errors.ts';
import { levelOf, routeOf, type Target } from './levels.ts';
import type { Publication, PublishResult } from './publisher.ts';

/** A message, what it is for, and when it is due there: milliseconds since 1970; undefined: now. */
export interface Shipment {
  readonly target: Target;
  readonly encoded: Encoded;
  readonly dueAt: number | undefined;
}

/** Publications for shipments; makes the levels that they need. A delay is rounded down: core waits for the rest. */
export async function routed(context: DriverContext, shipments: readonly Shipment[]): Promise<readonly Publication[]> {
  const { plan } = context.levels;
  const targets: Target[] = [];
  let highest = 0;
  for (const shipment of shipments) {
    const units = unitsOf(context, shipment);
    highest = Math.max(highest, units);
    if (units > 0) targets.push(shipment.target);
  }
  if (highest > 0) await context.levels.ensure(levelOf(plan, highest), targets);
  return shipments.map((shipment) => {
    const units = highest === 0 ? 0 : unitsOf(context, shipment);
    if (units === 0) return direct(shipment);
    const { exchange, routingKey } = routeOf(plan, units, shipment.target);
    return publication(shipment, exchange, routingKey, true);
  });
}

function unitsOf({ clock, limits }: DriverContext, { dueAt }: Shipment): number {
  if (dueAt === undefined) return 0;
  const { maxMs, resolutionMs } = limits.delay;
  return Math.max(0, Math.floor(Math.min(dueAt - clock.now(), maxMs) / resolutionMs));
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
  { levels }: DriverContext,
  publications: readonly Publication[],
  results: readonly PublishResult[],
): readonly PublishResult[] {
  const exchanges = new Set(levels.plan.levels.map(({ exchange }) => exchange));
  return results.map((result, index) => {
    if (result === undefined || !exchanges.has(publications[index]?.exchange ?? '')) return result;
    const isGone = replyCode(result) === 404 || (result as { readonly code?: unknown }).code === 'NO_ROUTE';
    if (!isGone) return result;
    levels.forget();
    return new RabbitmqError('NOT_SENT', 'A queue of delays was missing.', { cause: result });
  });
}
