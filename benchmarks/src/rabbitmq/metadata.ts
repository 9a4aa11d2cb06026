import { randomUUID } from 'node:crypto';

/** The properties of one message as the product writes them: an id and the time of its own, the rest always the same. */
export function metadata(): {
  readonly headers: Readonly<Record<string, string>>;
  readonly messageId: string;
  readonly timestamp: number;
  readonly contentType: string;
} {
  const id = randomUUID();
  const now = new Date();
  return {
    headers: {
      cloudEvents_specversion: '1.0',
      cloudEvents_id: id,
      cloudEvents_source: '/bench-raw01',
      cloudEvents_type: 'bench',
      cloudEvents_time: now.toISOString(),
      'anymq-version': '1',
    },
    messageId: id,
    timestamp: Math.floor(now.getTime() / 1000),
    contentType: 'application/json',
  };
}
