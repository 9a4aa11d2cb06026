import type { Order } from '../payload.ts';

export type SendOperation = 'sendMany' | 'send-awaited' | 'send-at-once';
export type ConsumeOperation = 'consume' | 'consume-batch';
export type Operation = SendOperation | ConsumeOperation;

export const sendOperations: readonly SendOperation[] = ['sendMany', 'send-awaited', 'send-at-once'];
export const consumeOperations: readonly ConsumeOperation[] = ['consume', 'consume-batch'];

/** A library, or a bare client, that does the work of the cases on one broker. */
export interface Contender {
  readonly name: string;
  readonly role: 'ours' | 'raw' | 'peer';
  readonly version: () => string;
  /** What it does not do while the product does it; said beside its figures. */
  readonly lacks: readonly string[];
  /** Operations that it has no means for, or that would say the same as another. */
  readonly omits?: readonly Operation[];
  /** Messages in a run, as a share of what the product gets: so that a slow one does not take all the time. 1 by default. */
  readonly share?: number;
  /** On a destination of its own, which is there and empty. */
  open(url: string): Promise<Session>;
}

export type Send = (bodies: readonly Order[]) => Promise<void>;
/** Called for every message, once its body is decoded; what it returns is awaited before the message is acknowledged. */
export type OnMessage = (body: Order) => Promise<void>;
/** Resolves when the consumer has been started. */
export type Consume = (onMessage: OnMessage) => Promise<Consuming>;

export interface Session {
  readonly sends: { readonly [operation in SendOperation]?: Send };
  readonly consumes: { readonly [operation in ConsumeOperation]?: Consume };
  /** One message; not necessarily awaited before the next. Resolves when it is confirmed. */
  send(body: Order): Promise<void>;
  /** Messages that the broker holds and nobody has taken. */
  held(): Promise<number>;
  /** Of one stored message, as the broker's own client sees it: name → value, the body among them. Where it can be looked at. */
  stored?(): Promise<Readonly<Record<string, string>>>;
  /** Requests that the client has sent until now. Where they are counted. */
  calls?(): number;
  /** Removes its destination. */
  close(): Promise<void>;
}

export interface Consuming {
  /** Called when all messages have been handled; resolves when the broker has the acknowledgement of every one. */
  settled(): Promise<void>;
  /** Ends the consumer. Twice is safe. */
  stop(): Promise<void>;
}
