import type { Logger } from '@anymq/core/driver';

interface RequestQueue {
  throttleCheckTimeoutId: unknown;
  readonly throttledUntil: number;
  readonly pending: readonly unknown[];
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

interface Connection {
  socket: { destroy(): void } | null | undefined;
  chunks: unknown[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected(): boolean;
  connect: (this: Connection) => Promise<unknown>;
}

type Mended<T> = { readonly prototype: T & { [mended]?: true } };

const mended: unique symbol = Symbol.for('anymq.kafkajs.mended');
const pendingMs = 10;
// Each answer begins with its size.
const bytesOfSize = 4;

/** Three mistakes of kafkajs 2.2.4, mended in place, for the whole process. Other versions are left as they are. */
export function mendKafkajs(require: (id: string) => unknown, logger: Logger): void {
  try {
    const { version } = require('kafkajs/package.json') as { readonly version: string };
    if (version !== '2.2.4') return;
    const { prototype: queue } = require('kafkajs/src/network/requestQueue') as Mended<RequestQueue>;
    if (queue[mended] === true) return;
    queue[mended] = true;
    queue.scheduleCheckPendingRequests = scheduleCheckPendingRequests;
    const { prototype: connection } = require('kafkajs/src/network/connection') as Mended<Connection>;
    connection.connect = connectingOnce(connectingAfresh(connection.connect));
  } catch (error) {
    logger.debug('kafkajs was left as it is.', { reason: (error as Error).name });
  }
}

/**
 * It arms a timer of a negative length again and again for each connection, also when nothing waits to be sent: 47 ms of
 * processor time per second and idle connection (its issue 1751). This version arms it only when something waits.
 */
function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
  const delayMs = this.throttledUntil - Date.now();
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    delayMs > 0 ? delayMs : pendingMs,
  );
}

/** Several requests that find no connection make one each, and the end of one that is forgotten takes down the one in use. */
function connectingOnce(connect: Connection['connect']): Connection['connect'] {
  const connecting = new WeakMap<Connection, Promise<unknown>>();
  return function connectOnce(this: Connection) {
    const known = connecting.get(this);
    if (known !== undefined) return known;
    const made = connect.call(this).finally(() => connecting.delete(this));
    connecting.set(this, made);
    return made;
  };
}

/**
 * What a connection had received of an answer when it was cut stays in front of what the next one receives: sizes are read
 * from the middle of answers, which ends the process by a RangeError or lets every request wait for its time limit. And what
 * the former socket still receives is read as the new one's.
 */
function connectingAfresh(connect: Connection['connect']): Connection['connect'] {
  return function connectAfresh(this: Connection) {
    if (this.isConnected()) return connect.call(this);
    this.socket?.destroy();
    this.chunks = [];
    this.bytesBuffered = 0;
    this.bytesNeeded = bytesOfSize;
    return connect.call(this);
  };
}
