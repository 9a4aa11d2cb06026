import type { DeadLetter } from '../dead-letter-types.ts';
import type { DeadLetterContext } from './context.ts';
import { toDeadLetter } from './dead-letter.ts';
import { StoreSession } from './store-session.ts';

/** Reads a page when it is needed, and closes the store also when the iteration ends early. @throws ABORTED, CLOSED */
export async function* letters(
  context: DeadLetterContext,
  limit: number,
  signal?: AbortSignal,
): AsyncGenerator<DeadLetter> {
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
