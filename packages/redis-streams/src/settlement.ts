import type { Settlement, SettleOutcome } from '@anymq/core/driver';
import { type Delivery } from './delivery.ts';
import { againField, type Argument, encodeCopyFields, encodeIdentity } from './encoding.ts';

export interface SettleLayout {
  /** Whether an acknowledged entry of this stream is deleted: nobody else reads it. */
  deletes(stream: number): boolean;
  /** Where a released entry of this stream goes. */
  releaseTo(stream: number): number;
}

interface Item {
  readonly delivery: Delivery;
  readonly outcome: SettleOutcome;
}

/** The arguments of a settling script after its head: acknowledged ids in one list per stream, the others one by one. */
export function encodeSettlements(items: readonly Item[], layout: SettleLayout, nowMs: number): Argument[] {
  const acknowledged = new Map<number, string[]>();
  const others: Argument[] = [];
  for (const { delivery, outcome } of items) {
    if (outcome.kind === 'acknowledge') listOf(acknowledged, delivery.stream).push(delivery.id);
    else others.push(...encodeOne(delivery, outcome, layout, nowMs));
  }
  const lists = [...acknowledged].flatMap(([stream, ids]) => [
    stream,
    layout.deletes(stream) ? '1' : '0',
    ids.length,
    ...ids,
  ]);
  return [acknowledged.size, ...lists, ...others];
}

function listOf(lists: Map<number, string[]>, stream: number): string[] {
  let list = lists.get(stream);
  if (list === undefined) {
    list = [];
    lists.set(stream, list);
  }
  return list;
}

type Other = Exclude<SettleOutcome, { readonly kind: 'acknowledge' }>;

function encodeOne(delivery: Delivery, outcome: Other, layout: SettleLayout, nowMs: number): Argument[] {
  const { stream, id, partition, isForeign, received } = delivery;
  const identity = isForeign && received !== undefined ? encodeIdentity(received) : [];
  const { kind, due, fields } = describe(outcome, nowMs);
  const set = [...identity, ...fields];
  return [
    kind,
    stream,
    id,
    layout.deletes(stream) ? '1' : '0',
    layout.releaseTo(stream),
    partition,
    due,
    set.length,
    ...set,
  ];
}

function describe(
  outcome: Other,
  nowMs: number,
): { readonly kind: string; readonly due: number | ''; readonly fields: readonly string[] } {
  switch (outcome.kind) {
    case 'retry':
      return { kind: 'retry', due: outcome.dueAt, fields: encodeCopyFields(outcome) };
    case 'deadLetter': {
      const { failure } = outcome;
      return { kind: 'dead', due: '', fields: encodeCopyFields({ attempt: failure.attempts, failure }) };
    }
    case 'release':
      return { kind: 'release', due: outcome.delayMs > 0 ? nowMs + outcome.delayMs : '', fields: [againField, '1'] };
  }
}

/** What is still to be settled, each delivery once: of a repeat in the same batch the first counts. */
export function openItems(items: readonly Settlement[], isOurs: (token: unknown) => token is Delivery): Item[] {
  const open = new Map<Delivery, Item>();
  for (const { token, outcome } of items) {
    if (isOurs(token) && token.result === undefined && !open.has(token)) open.set(token, { delivery: token, outcome });
  }
  return [...open.values()];
}
