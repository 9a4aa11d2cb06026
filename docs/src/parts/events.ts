import { createTelemetry } from '../../../packages/core/src/client/create-telemetry.ts';
import type { ClientEvent } from '../../../packages/core/src/events.ts';
import { table } from '../markdown.ts';

type EventType = ClientEvent['type'];

// A record, so that the compiler finds an event that is missing or no more.
const meanings: Readonly<Record<EventType, string>> = {
  'consumer-state': 'A consumer changed its state; `code` when an error was the reason.',
  retry: 'An attempt failed, and another follows after `delayMs`.',
  'dead-letter': 'A message became a dead letter: the broker has confirmed it.',
  discarded: 'With `deadLetter: false`: a message was given up.',
  expired: 'A message was received after its `expiresAfterMs` and is dropped.',
  suspect: 'A message may have killed its process, and runs apart from all others.',
  joined: 'A message was delivered again while its handler still ran here, and joined that run.',
  lost: 'A delivery was no longer ours when it ended: somebody may run the message again.',
  'partition-waits':
    'More than `maxHeld` messages of a partition wait, or more bytes than its share, so the partition waits.',
  'settle-failed': 'Settling failed; core repeats it.',
  'send-retry': 'Sending failed; core repeats it with the same ids.',
  provisioned: 'Something was created on the broker.',
};

/** Every event, and the level on which it is logged. */
export function eventTable(): string {
  return table(
    ['event', 'logged as', 'meaning'],
    Object.entries(meanings).map(([type, meaning]) => [`\`${type}\``, levelOf(type as EventType), meaning]),
  );
}

function levelOf(type: EventType): string {
  let level = '';
  const take = (name: string) => (): void => {
    level = name;
  };
  const logger = { debug: take('debug'), info: take('info'), warn: take('warn'), error: take('error') };
  createTelemetry(logger, undefined).emit({ type } as ClientEvent);
  return level;
}
