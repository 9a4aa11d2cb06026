import { bytes, type Codec, json } from '@anymq/core';

export type CodecName = 'bytes' | 'json';
export const codecNames: readonly CodecName[] = ['bytes', 'json'];

/** Bodies of one codec; each has `bodyBytes` bytes once it is encoded. */
export interface Payload {
  readonly codec: Codec<unknown>;
  readonly distinct: readonly unknown[];
  readonly keyOf: (body: unknown) => string;
}

export interface Order {
  readonly customer: string;
  readonly cents: number;
  readonly note: string;
}

export const bodyBytes = 200;
/** Different bodies, and as many ordering keys. */
const distinctBodies = 1000;
const keys: readonly string[] = Array.from({ length: distinctBodies }, (_, index) => `customer-${index}`);

const payloads: Readonly<Record<CodecName, Payload>> = {
  bytes: {
    codec: bytes,
    distinct: keys.map((_, index) => bytesBody(index)),
    keyOf: (body) => keys[readIndex(body as Uint8Array)] as string,
  },
  json: {
    codec: json,
    distinct: keys.map((key, index) => jsonBody(key, index)),
    keyOf: (body) => (body as Order).customer,
  },
};

export function payloadOf(codec: CodecName): Payload {
  return payloads[codec];
}

/** So many bodies, the distinct ones in turns. */
export function bodiesOf({ distinct }: Payload, count: number): readonly unknown[] {
  return Array.from({ length: count }, (_, index) => distinct[index % distinct.length]);
}

/** So many JSON bodies, the distinct ones in turns. */
export function ordersOf(count: number): readonly Order[] {
  return bodiesOf(payloads.json, count) as readonly Order[];
}

function bytesBody(index: number): Uint8Array {
  const body = new Uint8Array(bodyBytes).fill(index & 0xff);
  body[0] = index >> 8;
  body[1] = index & 0xff;
  return body;
}

function readIndex(body: Uint8Array): number {
  return ((body[0] as number) << 8) | (body[1] as number);
}

function jsonBody(customer: string, index: number): Order {
  const order = { customer, cents: 1000 + index, note: '' };
  return { ...order, note: 'x'.repeat(bodyBytes - JSON.stringify(order).length) };
}
