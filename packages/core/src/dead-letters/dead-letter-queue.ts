import type { DeadLetter, DeadLetterQueue } from '../dead-letter-types.ts';
import { invalidOption, requireKnown, requireNumber } from '../options.ts';
import { requireLimit } from './require-limit.ts';
import { type DeadLetterContext, requireOpen } from './context.ts';

const operations = async () => import('./operations.ts');

/**
 * The dead letters of one queue, or of one group of a topic. Operations may run at once; each opens a store of its own,
 * and loads its code when it is first used.
 */
export function createDeadLetterQueue(context: DeadLetterContext): DeadLetterQueue {
  return {
    count: async () => (await operations()).countLetters(context),
    list(options = {}) {
      requireKnown('list', options, ['limit', 'signal']);
      const limit = requireLimit(options.limit);
      return {
        async *[Symbol.asyncIterator](): AsyncGenerator<DeadLetter> {
          yield* (await operations()).letters(context, limit, options.signal);
        },
      };
    },
    redrive: async (options) => (await operations()).redrive(context, options),
    purge: async (options) => (await operations()).purge(context, options),
    watch(options, alert) {
      requireKnown('watch', options, ['everyMs', 'threshold', 'signal']);
      requireNumber('everyMs', options.everyMs ?? 60_000, { min: 10, max: 2_147_483_647 });
      requireNumber('threshold', options.threshold ?? 1, { min: 1, integer: true });
      if (typeof alert !== 'function')
        throw invalidOption('watch needs a function that is told: watch(options, (count) => …).');
      requireOpen(context);
      operations().then(
        ({ watch }) => watch(context, options, alert),
        (error: unknown) => context.onTrouble('watch', error),
      );
    },
  };
}
