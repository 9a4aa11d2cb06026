import type { Logger } from '@anymq/core/driver';

interface RequestQueue {
  throttleCheckTimeoutId: unknown;
  readonly throttledUntil: number;
  readonly pending: readonly unknown[];
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

const mended: unique symbol = Symbol.for('anymq.kafkajs.idle-timer');
const pendingMs = 10;

/**
 * kafkajs 2.2.4 arms a timer of a negative length again and again for each connection, also when nothing waits to be sent:
 * 47 ms of processor time per second and idle connection (its issue 1751). This version arms it only when something waits.
 */
export function mendIdleTimer(require: (id: string) => unknown, logger: Logger): void {
  try {
    const { version } = require('kafkajs/package.json') as { readonly version: string };
    if (version !== '2.2.4') return;
    const { prototype } = require('kafkajs/src/network/requestQueue') as {
      readonly prototype: RequestQueue & { [mended]?: true };
    };
    if (prototype[mended] === true) return;
    prototype[mended] = true;
    prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests;
  } catch (error) {
    logger.debug('The idle timer of kafkajs was left as it is.', { reason: (error as Error).name });
  }
}

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
