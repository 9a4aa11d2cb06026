import type { DeadLetter } from '../dead-letter-types.ts';
import type { StoredLetter } from '../driver-interface.ts';

/** A stored letter as users see it. */
export function toDeadLetter({ id, body, key, headers, failure }: StoredLetter): DeadLetter {
  const { name, code, message, stack, attempts, firstFailedAt, lastFailedAt, destination, group } = failure;
  return {
    id,
    body,
    key,
    headers,
    reason: { name, code, message, stack },
    attempts,
    firstFailedAt: new Date(firstFailedAt),
    lastFailedAt: new Date(lastFailedAt),
    destination,
    group,
  };
}

export interface Selection {
  readonly ids?: readonly string[] | undefined;
  readonly where?: ((letter: DeadLetter) => boolean) | undefined;
}

/** What `where` throws, is thrown. */
export function selector({ ids, where }: Selection): (letter: StoredLetter) => boolean {
  const chosen = ids && new Set(ids);
  return (letter) => (chosen?.has(letter.id) ?? true) && (where?.(toDeadLetter(letter)) ?? true);
}
