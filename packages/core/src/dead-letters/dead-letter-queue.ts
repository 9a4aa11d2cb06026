import type { DeadLetter, DeadLetterQueue } from '../dead-letter-types.ts';
import { requireKnown } from '../options.ts';
import { requireLimit, toDeadLetter } from './dead-letter.ts';
import { purge } from './purge.ts';
import { redrive } from './redrive.ts';
import { type DeadLetterContext, StoreSession } from './store-session.ts';
import { countLetters, watch } from './watch.ts';

/** The dead letters of one queue, or of one group of a topic. Operations may run at once; each opens a store of its own. */
export function createDeadLetterQueue(context: DeadLetterContext): DeadLetterQueue {
  return {
    count: () => countLetters(context),
    list(options = {}) {
      requireKnown('list', options, ['limit', 'signal']);
      const limit = requireLimit(options.limit);
      return { [Symbol.asyncIterator]: () => letters(context, limit, options.signal) };
    },
    redrive: (options) => redrive(context, options),
    purge: (options) => purge(context, options),
    watch: (options, alert) => watch(context, options, alert),
  };
}

/** Reads a page when it is needed, and closes the store also when the iteration ends early. @throws ABORTED, CLOSED */
async function* letters(context: DeadLetterContext, limit: number, signal?: AbortSignal): AsyncGenerator<DeadLetter> {
  if (limit === 0) return;
  const session = await StoreSession.open(context, signal);
  const shown = new Set<string>();
  try {
    for await (const page of session.pages(limit)) {
      for (const letter of page) {
        session.requireGoing();
        if (shown.has(letter.id)) continue;
        shown.add(letter.id);
        yield toDeadLetter(letter);
        if (shown.size === limit) return;
      }
    }
  } finally {
    await session.close();
  }
}
