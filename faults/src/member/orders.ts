/** What a member is told when it is started. */
export interface MemberOptions {
  readonly url: string;
  readonly namespace: string;
  /** The ledger's file. */
  readonly ledger: string;
  /** Messages of the whole run. */
  readonly messages: number;
  /** Sends per second, of all producers together; 0: as fast as they are confirmed. */
  readonly rate: number;
  /** The lease that consumers ask for. */
  readonly leaseMs: number;
  /** Which producer it is, of how many: each has lanes of its own. */
  readonly part: number;
  readonly parts: number;
}

/** What a running member can be told. */
export type Order =
  | { readonly do: 'stop' }
  /** A producer sends nothing more than what it has begun, and is done. */
  | { readonly do: 'enough' }
  /** The next handler blocks the event loop for so long. */
  | { readonly do: 'block'; readonly ms: number }
  /** The next handler leaves a rejection that nobody handles. */
  | { readonly do: 'reject' }
  /** The next handler takes memory until there is none. */
  | { readonly do: 'devour' }
  /** Collects its garbage and tells what the process holds. */
  | { readonly do: 'measure' };

/** What a member tells. */
export type Report =
  | { readonly is: 'ready' }
  | { readonly is: 'done' }
  | { readonly is: 'measured'; readonly holdings: Holdings };

/** What a process holds, after its garbage was collected. */
export interface Holdings {
  readonly heapBytes: number;
  /** Of buffers, outside the heap. */
  readonly externalBytes: number;
  readonly residentBytes: number;
  readonly sockets: number;
  readonly timers: number;
  /** Of the process, its sockets and its streams, for all of their events. */
  readonly listeners: number;
}

export function readOptions(): MemberOptions {
  return JSON.parse(process.argv[2] ?? '{}') as MemberOptions;
}

export function report(is: 'ready' | 'done'): void {
  tell({ is });
}

export function tell(what: Report): void {
  process.send?.(what);
}
