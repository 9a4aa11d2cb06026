import type { FailureRecord, Headers, OutgoingMessage } from './message.ts';
import {
  foreignText,
  readAttempt,
  readDue,
  readFailure,
  readMs,
  readPriority,
  readTime,
  writeFailure,
  writeTime,
} from './wire-values.ts';

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

/** Everything of a `Received` that travels beside the body. */
export interface WireMessage {
  readonly id: string;
  readonly key: string | undefined;
  readonly headers: Headers;
  readonly time: Date;
  readonly type: string;
  readonly source: string;
  readonly contentType: string | undefined;
  readonly extensions: Headers | undefined;
  readonly attempt: number;
  readonly dueAt: number | undefined;
  readonly priority: number | undefined;
  readonly expiresAt: number | undefined;
  readonly failure: FailureRecord | undefined;
}

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
const libraryPrefix = 'anymq-';
const attributes = ['specversion', 'id', 'source', 'type', 'time', 'partitionkey', 'datacontenttype'] as const;
const libraryFields = [
  'anymq-version',
  'anymq-attempt',
  'anymq-due',
  'anymq-priority',
  'anymq-expires',
  'anymq-failure',
] as const;
type Field = (typeof attributes)[number] | (typeof libraryFields)[number] | 'content-type';
const known: ReadonlySet<string> = new Set<string>([...attributes, ...libraryFields]);
const reservedPrefixes = [libraryPrefix, 'ce_', 'ce-', 'cloudevents'] as const;
const noHeaders: Headers = Object.freeze({});
const noTime: Date = new Date(NaN);

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
  return {
    encode: createEncode(attributePrefix, headerPrefix),
    decode(fields, fallback) {
      const reading = new Reading();
      for (let index = 0; index + 1 < fields.length; index += 2) {
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

/** What was read of one message so far; in the end the answer itself, so that reading costs one object. */
class Reading implements WireMessage {
  id = '';
  key: string | undefined = undefined;
  headers: Record<string, string> | Headers = noHeaders;
  time: Date = noTime;
  type = '';
  source = '';
  contentType: string | undefined = undefined;
  extensions: Record<string, string> | undefined = undefined;
  attempt = 0;
  dueAt: number | undefined = undefined;
  priority: number | undefined = undefined;
  expiresAt: number | undefined = undefined;
  failure: FailureRecord | undefined = undefined;

  take(field: Field, raw: unknown, nowMs: number): void {
    const text = typeof raw === 'string' ? raw : foreignText(raw);
    switch (field) {
      case 'specversion':
      case 'anymq-version':
        return;
      case 'id':
        this.id ||= text;
        return;
      case 'source':
        this.source ||= text;
        return;
      case 'type':
        this.type ||= text;
        return;
      case 'time':
        if (this.time === noTime) this.#takeTime(text);
        return;
      case 'partitionkey':
        this.key ??= text;
        return;
      case 'content-type':
      case 'datacontenttype':
        this.contentType ||= text;
        return;
      case 'anymq-attempt':
        this.attempt ||= readAttempt(text);
        return;
      case 'anymq-due':
        this.dueAt ??= readDue(text, nowMs);
        return;
      case 'anymq-priority':
        this.priority ??= readPriority(text);
        return;
      case 'anymq-expires':
        this.expiresAt ??= readMs(text);
        return;
      case 'anymq-failure':
        this.failure ??= readFailure(text, nowMs);
    }
  }

  takeOther(name: string, raw: unknown, prefixes: readonly string[], headerPrefix: string): void {
    const text = foreignText(raw);
    const prefix = prefixOf(name, prefixes);
    if (prefix !== undefined) this.#putExtension(name.slice(prefix.length), text);
    else if (name.startsWith(libraryPrefix)) this.#putExtension(name, text);
    else if (name.length === 12 && name.toLowerCase() === 'content-type') this.contentType ||= text;
    else this.#putHeader(name.startsWith(headerPrefix) ? name.slice(headerPrefix.length) : name, text);
  }

  finish(fallback: WireFallback): WireMessage {
    this.id ||= fallback.id;
    this.type ||= fallback.type;
    this.source ||= fallback.source;
    this.key ??= fallback.key;
    this.contentType ||= fallback.contentType;
    this.attempt ||= 1;
    if (this.time === noTime) this.time = new Date(fallback.timeMs);
    return this;
  }

  #takeTime(text: string): void {
    const atMs = readTime(text);
    if (atMs !== undefined) this.time = new Date(atMs);
  }

  #putHeader(name: string, text: string): void {
    const headers = this.headers === noHeaders ? {} : this.headers;
    this.headers = headers;
    const earlier = Object.hasOwn(headers, name) ? headers[name] : undefined;
    put(headers, name, earlier === undefined ? text : `${earlier}, ${text}`);
  }

  #putExtension(name: string, text: string): void {
    this.extensions ??= {};
    if (!Object.hasOwn(this.extensions, name)) put(this.extensions, name, text);
  }
}

function prefixOf(name: string, prefixes: readonly string[]): string | undefined {
  for (const prefix of prefixes)
    if (prefix !== '' && name.length > prefix.length && name.startsWith(prefix)) return prefix;
  return undefined;
}

/** A header may be called `__proto__`, which assignment would take for the prototype. */
function put(target: Record<string, string> | Headers, name: string, value: string): void {
  if (name === '__proto__')
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  else (target as Record<string, string>)[name] = value;
}
