import { createHash, randomUUID } from 'node:crypto';
import {
  createWireFormat,
  type OutgoingMessage,
  type WireFormat,
  type WireMessage,
  type WireMeta,
} from '@anymq/core/driver';
import type { AmqpMessage, AmqpProperties, PublishOptions } from './client.ts';

const wire: WireFormat = createWireFormat({ attributePrefix: 'cloudEvents_', alsoReadPrefixes: ['cloudEvents:'] });

/** Headers that the broker writes, and ours of messages in levels; those that mean something to it or to the client when we write them. */
const brokersOwn =
  /^(?:x-death|x-(?:first|last)-death-(?:queue|reason|exchange)|x-delivery-count|x-acquired-count|anymq-wait)$/;
const special = /^(?:B?CC|__proto__)$/;
const escapePrefix = 'anymq-header-';
/** A name in a table, and a property, is a short string. */
const maxShortBytes = 255;

/** What a message is to AMQP. */
export interface Encoded {
  readonly content: Buffer;
  readonly options: Omit<PublishOptions, 'mandatory' | 'persistent'>;
}

/** Without `meta`: a first send. Of a copy, the properties that anymq does not use itself are kept from `original`. */
export function encodeMessage(message: OutgoingMessage, meta?: WireMeta, original?: AmqpProperties): Encoded {
  const { body } = message;
  const headers: Record<string, string> = {};
  const fields = wire.encode(message, meta);
  let contentType: string | undefined;
  let escaped = 0;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    const value = fields[index + 1] as string;
    if (name === 'content-type' && isShort(value)) contentType = value;
    else if (isPlain(name)) headers[name] = value;
    else headers[`${escapePrefix}${(escaped += 1)}`] = `${name.length}:${name}${value}`;
  }
  return {
    content: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    options: {
      headers,
      timestamp: Math.floor(message.time.getTime() / 1000),
      ...(isShort(message.id) ? { messageId: message.id } : {}),
      ...(contentType === undefined ? {} : { contentType }),
      ...keptOf(original),
    },
  };
}

function isPlain(name: string): boolean {
  // The most of them, by far.
  if (name.length < 80 && name.startsWith('cloudEvents_')) return true;
  return !special.test(name) && !brokersOwn.test(name) && isShort(name);
}

function isShort(text: string): boolean {
  return text.length * 3 <= maxShortBytes || Buffer.byteLength(text) <= maxShortBytes;
}

/** The same message again, byte for byte, without what the broker added; due at `dueAt`, where that is given. */
export function copyOf({ content, properties }: AmqpMessage, dueAt?: number): Encoded {
  const { headers = {}, messageId, contentType, timestamp } = properties;
  return {
    content,
    options: {
      headers: {
        ...Object.fromEntries(Object.entries(headers).filter(([name]) => !brokersOwn.test(name))),
        ...(dueAt === undefined ? {} : { 'anymq-due': String(dueAt) }),
      },
      ...(typeof messageId === 'string' ? { messageId } : {}),
      ...(typeof contentType === 'string' ? { contentType } : {}),
      ...(typeof timestamp === 'number' ? { timestamp } : {}),
      ...keptOf(properties),
    },
  };
}

function keptOf(
  original: AmqpProperties | undefined,
): Pick<PublishOptions, 'correlationId' | 'replyTo' | 'type' | 'appId'> {
  if (original === undefined) return {};
  const { correlationId, replyTo, type, appId } = original;
  return {
    ...(typeof correlationId === 'string' ? { correlationId } : {}),
    ...(typeof replyTo === 'string' ? { replyTo } : {}),
    ...(typeof type === 'string' ? { type } : {}),
    ...(typeof appId === 'string' ? { appId } : {}),
  };
}

/** Everything but what belongs to one delivery. Total, whoever wrote the message; one without an id gets a random one. */
export function decodeMessage({ content, properties }: AmqpMessage, nowMs: number, source: string): WireMessage {
  const { messageId, contentType, timestamp, type } = properties;
  const message = wire.decode(fieldsOf(properties), {
    id: '',
    timeMs: typeof timestamp === 'number' ? timestamp * 1000 : nowMs,
    nowMs,
    source: '/rabbitmq',
    type: typeof type === 'string' && type !== '' ? type : source,
    contentType: typeof contentType === 'string' ? contentType : undefined,
  });
  if (message.id === '') message.id = typeof messageId === 'string' && messageId !== '' ? messageId : randomUUID();
  message.body = content;
  return message;
}

function fieldsOf({ headers }: AmqpProperties): unknown[] {
  const fields: unknown[] = [];
  if (headers === undefined) return fields;
  for (const name of Object.keys(headers)) {
    if (brokersOwn.test(name)) continue;
    const value = headers[name];
    if (!name.startsWith(escapePrefix) || !pushEscaped(fields, value)) fields.push(name, value);
  }
  return fields;
}

function pushEscaped(fields: unknown[], value: unknown): boolean {
  const text = typeof value === 'string' ? value : '';
  const length = Number.parseInt(text, 10);
  const start = text.indexOf(':') + 1;
  if (start === 0 || !(length >= 0) || start + length > text.length) return false;
  fields.push(text.slice(start, start + length), text.slice(start + length));
  return true;
}

/** How often the broker had this message back: after a lost connection or a closed channel, and on RabbitMQ before 4.3 after a nack. */
export function deliveryCount({ properties, fields }: AmqpMessage): number {
  const count = properties.headers?.['x-delivery-count'];
  return typeof count === 'number' && count > 0 ? count : fields.redelivered === true ? 1 : 0;
}

/** The same for every delivery of one message, also of a foreign one without an id. */
export function identityOf({ content, properties }: AmqpMessage): string {
  const id = properties.headers?.['cloudEvents_id'] ?? properties.headers?.['cloudEvents:id'] ?? properties.messageId;
  if (typeof id === 'string' && id !== '') return id;
  return createHash('sha256').update(content).digest('hex');
}
