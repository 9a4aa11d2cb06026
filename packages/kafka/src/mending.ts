import type { Logger } from '@anymq/core/driver';

interface RequestQueue {
  throttleCheckTimeoutId: unknown;
  readonly throttledUntil: number;
  readonly pending: readonly unknown[];
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

interface Connection {
  connect: (this: Connection) => Promise<unknown>;
}

type Mended<T> = { readonly prototype: T & { [mended]?: true } };

const mended: unique symbol = Symbol.for('anymq.kafkajs.mended');
const pendingMs = 10;

/** Two mistakes of kafkajs 2.2.4, mended in place, for the whole process. Other versions are left as they are. */
export function mendKafkajs(require: (id: string) => unknown, logger: Logger): void {
  try {
    const { version } = require('kafkajs/package.json') as { readonly version: string };
    if (version !== '2.2.4') return;
    const { prototype: queue } = require('kafkajs/src/network/requestQueue') as Mended<RequestQueue>;
    if (queue[mended] === true) return;
    queue[mended] = true;
    queue.scheduleCheckPendingRequests = scheduleCheckPendingRequests;
    const { prototype: connection } = require('kafkajs/src/network/connection') as Mended<Connection>;
    connection.connect = connectingOnce(connection.connect);
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
