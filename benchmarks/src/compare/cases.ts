import { type BenchCase, requireCount, type Start, startNow } from '../bench-case.ts';
import { ordersOf } from '../payload.ts';
import {
  type Contender,
  type ConsumeOperation,
  consumeOperations,
  type Operation,
  type SendOperation,
  sendOperations,
} from './contender.ts';

/** Fewer say nothing. */
const fewestMessages = 20;

/** Messages of a run, of the contenders without a share of their own. */
export type Counts = Readonly<Record<Operation, number>>;

/** A consumer joins its group between its start and its first message. */
export type TimedFrom = 'start' | 'first message';

export interface ComparisonOptions {
  readonly counts: Counts;
  /** Of the counts. */
  readonly share: number;
  /** 'start' by default. */
  readonly timedFrom?: TimedFrom | undefined;
}

/** The same work by all contenders, next to each other: what slows the machine down for a while hits all of them. */
export function comparisonCases(
  url: string,
  contenders: readonly Contender[],
  { counts, share, timedFrom = 'start' }: ComparisonOptions,
): readonly BenchCase[] {
  const cases = (operation: Operation, make: (contender: Contender, messages: number) => BenchCase) =>
    contenders
      .filter(({ omits = [] }) => !omits.includes(operation))
      .map((contender) =>
        make(contender, Math.max(fewestMessages, Math.ceil(counts[operation] * share * (contender.share ?? 1)))),
      );
  return [
    ...sendOperations.flatMap((operation) =>
      cases(operation, (one, messages) => sendCase(url, one, operation, messages)),
    ),
    ...consumeOperations.flatMap((operation) =>
      cases(operation, (one, messages) => consumeCase(url, one, { operation, messages, timedFrom })),
    ),
  ];
}

function sendCase(url: string, contender: Contender, operation: SendOperation, messages: number): BenchCase {
  return {
    labels: { on: contender.name, operation, codec: 'json', variant: contender.role },
    messages,
    async prepare() {
      const session = await contender.open(url);
      const send = session.sends[operation];
      if (send === undefined) throw new Error(`${contender.name} cannot ${operation}.`);
      const bodies = ordersOf(messages);
      return {
        calls: () => session.calls?.() ?? 0,
        run: () => send(bodies),
        async finish() {
          const held = await session.held();
          await session.close();
          requireCount(`${contender.name}: ${operation}`, held, messages);
        },
      };
    },
  };
}

interface Consumption {
  readonly operation: ConsumeOperation;
  readonly messages: number;
  readonly timedFrom: TimedFrom;
}

/** Until the broker has the acknowledgement of the last message of a full queue. */
function consumeCase(url: string, contender: Contender, { operation, messages, timedFrom }: Consumption): BenchCase {
  return {
    labels: { on: contender.name, operation, codec: 'json', variant: contender.role },
    messages,
    async prepare() {
      const session = await contender.open(url);
      const consume = session.consumes[operation];
      if (consume === undefined) throw new Error(`${contender.name} cannot ${operation}.`);
      const bodies = ordersOf(messages);
      await session.sends.sendMany?.(bodies);
      const expected = bodies.reduce((sum, { cents }) => sum + cents, 0);
      const handled = Promise.withResolvers<void>();
      let count = 0;
      let cents = 0;
      let stop: (() => Promise<void>) | undefined;
      let first: Start | undefined;
      return {
        calls: () => session.calls?.() ?? 0,
        began: () => first,
        async run() {
          const consuming = await consume(async (order) => {
            if (timedFrom === 'first message') first ??= startNow();
            cents += order.cents;
            if ((count += 1) === messages) handled.resolve();
          });
          stop = () => consuming.stop();
          await handled.promise;
          await consuming.settled();
        },
        async finish() {
          await stop?.();
          const left = await session.held();
          await session.close();
          requireCount(`${contender.name}: left in the queue`, left, 0);
          requireCount(`${contender.name}: handled`, count, messages);
          requireCount(`${contender.name}: cents in the bodies`, cents, expected);
        },
      };
    },
  };
}
