import { AsyncLocalStorage, createHook, type AsyncHook } from 'node:async_hooks';

/** Kinds of handle that keep a process alive, or that a broker would notice. */
const watched = new Set([
  'Timeout',
  'TCPWRAP',
  'TCPSERVERWRAP',
  'PIPEWRAP',
  'PROCESSWRAP',
  'UDPWRAP',
  'WORKER',
  'MESSAGEPORT',
]);

interface Owned {
  readonly type: string;
  readonly owner: object;
  readonly resource: WeakRef<{ readonly hasRef?: () => boolean; readonly _destroyed?: boolean }>;
}

/**
 * Knows which timers, sockets and unhandled rejections came out of which case, also while many cases run at once:
 * `process.getActiveResourcesInfo()` could only tell that one of them left something.
 */
export interface ResourceWatch {
  /** What `work` opens, directly or through any callback, is its owner's. */
  run<T>(owner: object, work: () => Promise<T>): Promise<T>;
  /** Kinds of what the owner still holds open. A timer that would not keep the process alive does not count. */
  held(owner: object): readonly string[];
  /** Rejections of the owner's that nobody handled; without an owner: those of nobody known. */
  rejections(owner: object | undefined): readonly unknown[];
  close(): void;
}

export function createResourceWatch(): ResourceWatch {
  const storage = new AsyncLocalStorage<object | undefined>();
  const owned = new Map<number, Owned>();
  const rejected: { readonly owner: object | undefined; readonly reason: unknown }[] = [];
  const hook = hookOf(storage, owned).enable();
  const onRejection = (reason: unknown): void => void rejected.push({ owner: storage.getStore(), reason });
  process.on('unhandledRejection', onRejection);
  return {
    run: (owner, work) => storage.run(owner, work),
    held: (owner) => [...owned.values()].filter((each) => each.owner === owner && isHeld(each)).map(({ type }) => type),
    rejections: (owner) => rejected.filter((each) => each.owner === owner).map(({ reason }) => reason),
    close() {
      hook.disable();
      process.off('unhandledRejection', onRejection);
      owned.clear();
    },
  };
}

function hookOf(storage: AsyncLocalStorage<object | undefined>, owned: Map<number, Owned>): AsyncHook {
  // Newer than the type definitions: spares the cost of a hook for every promise.
  const cheaper = { trackPromises: false };
  return createHook({
    ...cheaper,
    init(id, type, _trigger, resource) {
      if (!watched.has(type)) return;
      const owner = storage.getStore();
      if (owner !== undefined) owned.set(id, { type, owner, resource: new WeakRef(resource) });
    },
    destroy: (id) => void owned.delete(id),
  });
}

function isHeld({ type, resource }: Owned): boolean {
  const alive = resource.deref();
  if (alive === undefined) return false;
  // A timer that has fired or was cleared says so at once; its `destroy` comes some turns of the loop later.
  return type !== 'Timeout' || (alive._destroyed !== true && alive.hasRef?.() !== false);
}
