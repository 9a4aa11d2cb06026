import type { FailureRecord, Headers, OutgoingMessage, Received } from './message.ts';
import { attributes, type Field, known, libraryFields, libraryPrefix, Reading } from './wire-reading.ts';
import { foreignText, writeFailure, writeTime } from './wire-values.ts';

/** How a broker spells the names. */
export interface WireNames {
  /** Put before the names of CloudEvents attributes: 'ce_', 'cloudEvents_'. */
  readonly attributePrefix: string;
  /** Further prefixes that are read as the first is. None by default. */
  readonly alsoReadPrefixes?: readonly string[];
  /** Put before the names of the user's headers; '' by default. Names without it are headers too. */
  readonly headerPrefix?: string;
}

/** What is not given is not written. */
export interface WireMeta {
  readonly attempt: number;
  readonly dueAt?: number | undefined;
  readonly failure?: FailureRecord | undefined;
}

/** What a foreign message lacks comes from the broker's own fields. Times in milliseconds since 1970. */
export interface WireFallback {
  readonly id: string;
  readonly timeMs: number;
  readonly nowMs: number;
  readonly source: string;
  readonly type: string;
  readonly key?: string | undefined;
  readonly contentType?: string | undefined;
}

/**
 * A `Received` in the making, the caller's own: what travels beside the body is read. The driver fills in `token`, `body`,
 * `crashCount` and what else it knows (an empty token, no bytes, 0 and undefined until then), and hands it on.
 */
export type WireMessage = { -readonly [Name in keyof Received]: Received[Name] };

export interface WireFormat {
  /**
   * Name, value, name, value …: CloudEvents attributes, `anymq-` fields, `content-type`, the user's headers; the body is
   * not among them. Without `meta`: a first send, with the message's own `dueAt`.
   */
  encode(message: Omit<OutgoingMessage, 'body'>, meta?: WireMeta): string[];
  /**
   * The reverse, for any values that a client library hands out (see `foreignText`). Total: never throws, whoever wrote
   * the message. The first of a repeated attribute counts; repeated user headers are joined by ', '. Attempt, due time,
   * priority and failure record are clamped, for any producer can forge them.
   */
  decode(fields: readonly unknown[], fallback: WireFallback): WireMessage;
}

const wireVersion = '1';
const reservedPrefixes = [libraryPrefix, 'ce_', 'ce-', 'cloudevents'] as const;

/** Names that a user's header may not have, in any case: `anymq-…`, `ce_…`, `ce-…`, `cloudevents…`, `content-type`. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === 'content-type' || reservedPrefixes.some((prefix) => lower.startsWith(prefix));
}

/** The one place that maps a message to names and values, for every adapter. Pure; made once per driver. */
export function createWireFormat(names: WireNames): WireFormat {
  const { attributePrefix, headerPrefix = '' } = names;
  const prefixes = [attributePrefix, ...(names.alsoReadPrefixes ?? [])];
  const fieldOf = fieldTable(prefixes);
  const own = [...attributes.slice(0, 5).map((name) => attributePrefix + name), 'anymq-version'];
  return {
    encode: createEncode(attributePrefix, headerPrefix),
    decode(fields, fallback) {
      const reading = new Reading();
      for (let index = reading.takeOwn(fields, own); index + 1 < fields.length; index += 2) {
        const raw = fields[index];
        const name = typeof raw === 'string' ? raw : foreignText(raw);
        const field = fieldOf.get(name);
        if (field === undefined) reading.takeOther(name, fields[index + 1], prefixes, headerPrefix);
        else reading.take(field, fields[index + 1], fallback.nowMs);
      }
      return reading.finish(fallback);
    },
  };
}

function fieldTable(prefixes: readonly string[]): ReadonlyMap<string, Field> {
  const table = new Map<string, Field>([['content-type', 'content-type']]);
  for (const name of libraryFields) table.set(name, name);
  for (const prefix of prefixes) for (const name of attributes) table.set(prefix + name, name);
  return table;
}

function createEncode(prefix: string, headerPrefix: string): WireFormat['encode'] {
  const [specversion, id, source, type, time, partitionkey] = attributes.map((name) => prefix + name) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return (message, meta) => {
    const { key, contentType } = message;
    const written = writeTime(message.time.getTime());
    // Literals of the full length: an array that grows by pushing keeps twice the memory of a waiting message.
    const fields =
      contentType === undefined
        ? [
            specversion,
            '1.0',
            id,
            message.id,
            source,
            message.source,
            type,
            message.type,
            time,
            written,
            'anymq-version',
            wireVersion,
          ]
        : [
            specversion,
            '1.0',
            id,
            message.id,
            source,
            message.source,
            type,
            message.type,
            time,
            written,
            'anymq-version',
            wireVersion,
            'content-type',
            contentType,
          ];
    if (key !== undefined) fields.push(partitionkey, key);
    pushScheduling(fields, message, meta);
    if (message.extensions !== undefined) pushExtensions(fields, message.extensions, prefix);
    const { headers } = message;
    for (const name of Object.keys(headers)) fields.push(headerPrefix + name, headers[name] ?? '');
    return fields;
  };
}

function pushScheduling(fields: string[], message: Omit<OutgoingMessage, 'body'>, meta: WireMeta | undefined): void {
  const dueAt = meta === undefined ? message.dueAt : meta.dueAt;
  if (dueAt !== undefined) fields.push('anymq-due', String(dueAt));
  if (message.priority !== undefined) fields.push('anymq-priority', String(message.priority));
  if (message.expiresAt !== undefined) fields.push('anymq-expires', String(message.expiresAt));
  if (meta === undefined) return;
  if (meta.attempt > 1) fields.push('anymq-attempt', String(meta.attempt));
  if (meta.failure !== undefined) fields.push('anymq-failure', writeFailure(meta.failure));
}

function pushExtensions(fields: string[], extensions: Headers, prefix: string): void {
  for (const [name, value] of Object.entries(extensions)) {
    if (known.has(name)) continue;
    fields.push(name.startsWith(libraryPrefix) ? name : prefix + name, value);
  }
}
