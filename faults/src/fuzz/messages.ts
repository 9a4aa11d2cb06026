import type { FailureRecord, OutgoingMessage, WireMeta } from '@anymq/core/driver';
import { anyBytes, anyText, several, upTo } from './values.ts';
import type { Random } from './values.ts';

export function anyMessage(random: Random): OutgoingMessage {
  const optional = <T>(make: () => T) => (random() < 0.5 ? undefined : make());
  return {
    id: wellFormed(anyText(random)) || 'id',
    key: optional(() => wellFormed(anyText(random)) || 'key'),
    headers: Object.fromEntries(several(random, 5, () => [headerName(random), wellFormed(anyText(random))])),
    time: new Date(upTo(random, 4e12)),
    type: wellFormed(anyText(random)) || 'type',
    source: wellFormed(anyText(random)) || '/source',
    contentType: optional(() => wellFormed(anyText(random)) || 'text/plain'),
    body: anyBytes(random),
  };
}

/** Of what `send` accepts. */
function headerName(random: Random): string {
  const name = wellFormed(anyText(random)).slice(0, 100);
  return name === '' || /^(?:anymq-|ce_|ce-|cloudevents|content-type|trace)/i.test(name) ? 'x' : name;
}

/** A lone surrogate cannot be sent as UTF-8. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

export function anyMeta(random: Random): WireMeta {
  const failure = random() < 0.5 ? undefined : anyFailure(random);
  return { attempt: upTo(random, 9), dueAt: random() < 0.5 ? undefined : upTo(random, 4e12), failure };
}

export function anyFailure(random: Random): FailureRecord {
  return {
    name: anyText(random),
    message: anyText(random),
    stack: anyText(random),
    attempts: upTo(random, 9),
    firstFailedAt: upTo(random, 4e12),
    lastFailedAt: upTo(random, 4e12),
    destination: anyText(random),
  };
}
