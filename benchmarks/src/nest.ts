import type { Order } from './payload.ts';
import { requirePeer } from './peers.ts';

/** A transport of nest's as its framework uses it: handlers by pattern, then `listen`. */
export interface NestServer<Context> {
  addHandler(pattern: string, handler: (data: Order, context: Context) => Promise<unknown>, isEvent: true): void;
  listen(callback: (error?: Error) => void): unknown;
  close(): Promise<void>;
}

/** What `emit` returns: an observable that has begun already. */
export interface Emitted {
  subscribe(observer: { readonly error: (error: Error) => void; readonly complete: () => void }): unknown;
}

/** Resolves when the transport has the broker's answer. */
export function emitted(observable: Emitted): Promise<void> {
  return new Promise((complete, error) => {
    observable.subscribe({ error, complete });
  });
}

/** Resolves when it listens. */
export function serve(server: Pick<NestServer<unknown>, 'listen'>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.listen((error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}

interface NestCommon {
  readonly Logger: { overrideLogger(logger: false): void };
}

/** Its log would be between the figures. */
export function withoutNestLog(): void {
  requirePeer<NestCommon>('@nestjs/common').Logger.overrideLogger(false);
}
