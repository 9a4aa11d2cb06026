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
  /** The next handler blocks the event loop for so long. */
  | { readonly do: 'block'; readonly ms: number }
  /** The next handler leaves a rejection that nobody handles. */
  | { readonly do: 'reject' }
  /** The next handler takes memory until there is none. */
  | { readonly do: 'devour' };

/** What a member tells. */
export type Report = { readonly is: 'ready' } | { readonly is: 'done' };

export function readOptions(): MemberOptions {
  return JSON.parse(process.argv[2] ?? '{}') as MemberOptions;
}

export function report(is: Report['is']): void {
  process.send?.({ is } satisfies Report);
}
