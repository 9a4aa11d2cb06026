import { setImmediate as turn } from 'node:timers/promises';
import type { EventEmitter } from 'node:events';
import type { Holdings } from './orders.ts';

/** Node's own list of what keeps the process alive; undocumented, and the only way to the sockets of others. */
interface Inspectable {
  _getActiveHandles(): readonly EventEmitter[];
}

/** Needs `--expose-gc`. `ownTimers`: how many are the program's, and none of the library's. */
export async function measure(ownTimers: () => number = () => 0): Promise<Holdings> {
  for (let time = 0; time < 3; time++) {
    await turn();
    globalThis.gc?.();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const count = (name: string) => resources.filter((resource) => resource === name).length;
  const emitters = [process, ...(process as unknown as Inspectable)._getActiveHandles()];
  return {
    heapBytes: heapUsed,
    externalBytes: external,
    residentBytes: rss,
    sockets: count('TCPSocketWrap'),
    timers: count('Timeout') - ownTimers(),
    listeners: emitters.reduce((sum, emitter) => sum + listenersOf(emitter), 0),
  };
}

function listenersOf(emitter: Partial<EventEmitter>): number {
  const names = emitter.eventNames?.() ?? [];
  return names.reduce((sum, name) => sum + (emitter.listenerCount?.(name) ?? 0), 0);
}
