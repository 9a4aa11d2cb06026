import type { WireFallback } from '@anymq/core/driver';
import type { MemoryBroker } from './broker.ts';
import { noSuchDestination } from './errors.ts';
import { requireBroker } from './options.ts';
import { StoredMessage } from './stored-message.ts';

/** A message as a program without this library would write it. */
export interface ForeignMessageOptions {
  readonly body: Uint8Array;
  /** The broker's own ordering key. */
  readonly key?: string | undefined;
  /** Any names and values; those of the wire format (`ce_id`, `anymq-attempt`, …) are read as such. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A message without what this library writes: its id and time are the broker's own. */
export class ForeignMessage extends StoredMessage {
  readonly fallback: Omit<WireFallback, 'nowMs'>;

  constructor(raw: ForeignMessageOptions, fallback: Omit<WireFallback, 'nowMs'>) {
    const { body, key, headers = {} } = raw;
    const fields = Object.entries(headers).flat();
    const bytes = fields.reduce((sum, text) => sum + text.length, body.length + (key?.length ?? 0));
    super(fallback.id, fields, body.slice(), 0, body.length, bytes, key, 4, 0, 0);
    this.fallback = fallback;
  }
}

let written = 0;

/** Writes to a destination by its physical name (`namespace_destination`), as another program would. @throws NO_SUCH_DESTINATION */
export function writeForeignMessage(broker: MemoryBroker, physicalName: string, raw: ForeignMessageOptions): void {
  const destination = requireBroker(broker).destinations.get(physicalName);
  if (destination === undefined) throw noSuchDestination(physicalName);
  written += 1;
  const id = `memory-${written}`;
  destination.append([
    new ForeignMessage(raw, { id, timeMs: broker.clock.now(), source: '/memory', type: physicalName, key: raw.key }),
  ]);
}
