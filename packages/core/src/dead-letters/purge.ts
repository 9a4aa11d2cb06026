import type { PurgeOptions } from '../dead-letter-types.ts';
import { requireKnown, requireNumber } from '../options.ts';
import { selector } from './dead-letter.ts';
import type { DeadLetterContext } from './context.ts';
import { StoreSession } from './store-session.ts';

/**
 * Removes letters, no more than the store counted at the start where it counts exactly. `purged` counts the ids that are
 * confirmed to be gone; what the store could not remove stays and is not counted.
 * @throws INVALID_OPTION, CLOSED, what the store's errors mean, and what `where` throws
 */
export async function purge(
  context: DeadLetterContext,
  options: PurgeOptions = {},
): Promise<{ readonly purged: number }> {
  requireKnown('purge', options, ['ids', 'where', 'olderThanMs']);
  const { olderThanMs = -Infinity } = options;
  if (olderThanMs !== -Infinity) requireNumber('olderThanMs', olderThanMs, { min: 0 });
  const before = context.clock.now() - olderThanMs;
  const select = selector(options);
  const session = await StoreSession.open(context);
  try {
    return { purged: await removeAll(session, (letter) => letter.failure.lastFailedAt <= before && select(letter)) };
  } finally {
    await session.close();
  }
}

async function removeAll(session: StoreSession, select: ReturnType<typeof selector>): Promise<number> {
  const { value, exact } = await session.read((store) => store.count());
  let left = exact && value !== null ? value : Infinity;
  const gone = new Set<string>();
  if (left === 0) return 0;
  for await (const letters of session.pages()) {
    const chosen = letters.slice(0, left).filter(select);
    const results =
      chosen.length === 0 ? [] : await session.change((store) => store.remove(chosen.map(({ ref }) => ref)));
    chosen.forEach(({ id }, index) => results[index]?.ok === true && gone.add(id));
    left -= letters.length;
    if (left <= 0) break;
  }
  return gone.size;
}
