import type { HeaderFilter } from '@anymq/core/driver';
import type { StoredMessage } from './stored-message.ts';

/** Whether every condition holds; a list means any of its values. */
export function matchesFilter(message: StoredMessage, filter: HeaderFilter | undefined): boolean {
  if (filter === undefined) return true;
  return Object.entries(filter).every(([name, wanted]) => {
    const value = fieldOf(message.fields, name);
    return value !== undefined && (typeof wanted === 'string' ? value === wanted : wanted.includes(value));
  });
}

/** Headers travel under their own names. */
function fieldOf(fields: readonly string[], name: string): string | undefined {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] === name) return fields[index + 1];
  }
  return undefined;
}
