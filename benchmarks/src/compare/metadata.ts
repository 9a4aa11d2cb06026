import { randomUUID } from 'node:crypto';

/** The fields or headers of one message as the product writes them: an id and the time of its own, the rest always the same. */
export function metadata(): Readonly<Record<string, string>> {
  return {
    ce_specversion: '1.0',
    ce_id: randomUUID(),
    ce_source: '/bench-raw01',
    ce_type: 'bench',
    ce_time: new Date().toISOString(),
    'anymq-version': '1',
    'content-type': 'application/json',
  };
}
