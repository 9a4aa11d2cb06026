import type { Delivery } from '../consume-types.ts';
import { AnymqError } from '../errors.ts';

/** Of a message that needs no protection: undefined. Names hold no '/', so that no two keys meet. @throws INVALID_MESSAGE */
export function scopedKey({ destination, group = '' }: Delivery, key: unknown): string | undefined {
  if (key === undefined) return undefined;
  if (typeof key === 'string' && key !== '') return `${destination}/${group}/${key}`;
  throw new AnymqError(
    'INVALID_MESSAGE',
    'The key of a message must be a string that is not empty, or undefined where it needs no protection.',
  );
}
