import type { Connection } from './connection.ts';

/** Where bytes go: `toServer` is what the client sends. */
export type Direction = 'toServer' | 'toClient';

/** How a connection ends: `reset` (RST, what was not read yet is lost) or `end` (FIN, after what was forwarded). */
export type CutManner = 'reset' | 'end';

export interface Cut {
  readonly manner: CutManner;
  /** Called when the connection is cut. */
  readonly done?: () => void;
}

/** What becomes of some bytes: forwarded up to a place, and whether the connection ends there. */
export interface Verdict {
  readonly forward: Buffer;
  readonly cut?: Cut;
}

/** Looks at what passes until it has done its work once. */
export interface Rule {
  /** Returns undefined for what it lets pass. */
  inspect(direction: Direction, chunk: Buffer, connection: Connection): Verdict | undefined;
}

export interface CutAfter {
  /** Bytes of that direction, of all connections together, that are still forwarded. */
  readonly bytes: number;
  readonly direction: Direction;
  /** Default `reset`. */
  readonly manner?: CutManner;
}

export function cutAfter({ bytes, direction, manner = 'reset' }: CutAfter): Rule {
  let left = bytes;
  return {
    inspect(where, chunk) {
      if (where !== direction) return undefined;
      const forward = chunk.subarray(0, left);
      left -= chunk.length;
      return left > 0 ? undefined : { forward, cut: { manner } };
    },
  };
}

export interface CutBeforeAnswer {
  /** Bytes by which the request is known, such as a message's id or a command's name. Default: the next that is sent. */
  readonly request?: string | Uint8Array;
  /** Default `reset`. */
  readonly manner?: CutManner;
}

export function cutBeforeAnswer({ request = '', manner = 'reset' }: CutBeforeAnswer): Rule {
  const find = finder(Buffer.from(request));
  let asked: Connection | undefined;
  return {
    inspect(direction, chunk, connection) {
      if (direction === 'toServer') {
        if (asked === undefined && find(chunk, connection)) asked = connection;
        return undefined;
      }
      return connection === asked ? { forward: Buffer.alloc(0), cut: { manner } } : undefined;
    },
  };
}

/** Finds the bytes in what a connection sends, also where they are split between two chunks. */
function finder(wanted: Buffer): (chunk: Buffer, connection: Connection) => boolean {
  const tails = new WeakMap<Connection, Buffer>();
  return (chunk, connection) => {
    const seen = Buffer.concat([tails.get(connection) ?? Buffer.alloc(0), chunk]);
    tails.set(connection, seen.subarray(Math.max(0, seen.length - wanted.length + 1)));
    return seen.includes(wanted);
  };
}
