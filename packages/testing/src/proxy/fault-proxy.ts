import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { freePort } from '../brokers/free-port.ts';
import { Connection } from './connection.ts';
import { cutAfter, cutBeforeAnswer } from './rules.ts';
import type { CutAfter, CutBeforeAnswer, CutManner, Direction, Rule, Verdict } from './rules.ts';

/** What has passed since the proxy was started. */
export interface ProxyCounts {
  readonly connections: number;
  /** Those that are open now. */
  readonly open: number;
  /** Bytes that the server was sent. */
  readonly toServer: number;
  /** Bytes that clients were sent. */
  readonly toClient: number;
}

export interface Latency {
  readonly delayMs: number;
  /** Added to each piece, from 0 to that many milliseconds. Order stays. Default 0. */
  readonly jitterMs?: number;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Stands between a client and a server on 127.0.0.1, understands nothing of what they say, and breaks their connections on
 * request. Each fault concerns connections of any age; several may be in force at once.
 */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  readonly counts: ProxyCounts;
  /** The URL with the proxy's address in the place of the server's. */
  through(url: string): string;
  /** Where new connections lead from now on, such as a server that came back elsewhere. */
  lead(target: number): void;
  /** New connections are refused, until `accept`; those that are open stay. */
  refuse(): void;
  accept(): Promise<void>;
  /** Cuts all connections now. Default `reset`. */
  cut(manner?: CutManner): void;
  /** Cuts the connection that carries the byte after so many. True when it has, false when the proxy was closed before. */
  cutAfter(options: CutAfter): Promise<boolean>;
  /**
   * Lets a request pass and cuts the connection in the place of what the server says next on it: the server has accepted,
   * and the client never learns of it. True when it has, false when the proxy was closed before.
   */
  cutBeforeAnswer(options?: CutBeforeAnswer): Promise<boolean>;
  /** Delays what comes from now on, both ways. Undefined: no longer. */
  slow(latency: Latency | undefined): void;
  /** Stops all bytes, both ways, while connections stay open and new ones are accepted, until `resume`. */
  stall(): void;
  resume(): void;
  /** Resets what is open and leaves nothing behind. May be called again. */
  close(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1 before the server on that port of 127.0.0.1. */
export async function startFaultProxy(target: number): Promise<FaultProxy> {
  const proxy = new TcpProxy(await freePort(), target);
  await proxy.accept();
  return proxy;
}

class TcpProxy implements FaultProxy {
  readonly port: number;
  #target: number;
  #server: Server | undefined;
  readonly #connections = new Set<Connection>();
  readonly #rules = new Map<Rule, (happened: boolean) => void>();
  readonly #passed: Record<Direction, number> = { toServer: 0, toClient: 0 };
  #accepted = 0;
  #latency: Latency | undefined;
  #stalled = false;

  constructor(port: number, target: number) {
    this.port = port;
    this.#target = target;
  }

  get counts(): ProxyCounts {
    return { connections: this.#accepted, open: this.#connections.size, ...this.#passed };
  }

  get stalled(): boolean {
    return this.#stalled;
  }

  through(url: string): string {
    return url.replaceAll(`127.0.0.1:${this.#target}`, `127.0.0.1:${this.port}`);
  }

  lead(target: number): void {
    this.#target = target;
  }

  refuse(): void {
    // The port is free at once; the server's own close event waits for the connections, which stay.
    this.#server?.close();
    this.#server = undefined;
  }

  async accept(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true }, (client) => {
      this.#accepted += 1;
      this.#connections.add(new Connection(client, this.#target, this));
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
  }

  cut(manner: CutManner = 'reset'): void {
    for (const connection of this.#connections) connection.cut(manner);
  }

  cutAfter(options: CutAfter): Promise<boolean> {
    return this.#arm(cutAfter(options));
  }

  cutBeforeAnswer(options: CutBeforeAnswer = {}): Promise<boolean> {
    return this.#arm(cutBeforeAnswer(options));
  }

  slow(latency: Latency | undefined): void {
    this.#latency = latency;
  }

  stall(): void {
    this.#stalled = true;
    this.#pump();
  }

  resume(): void {
    this.#stalled = false;
    this.#pump();
  }

  async close(): Promise<void> {
    for (const tell of this.#rules.values()) tell(false);
    this.#rules.clear();
    const server = this.#server;
    this.#server = undefined;
    const closed = server === undefined ? undefined : new Promise<unknown>((resolve) => server.close(resolve));
    const gone = [...this.#connections].map((connection) => connection.gone);
    this.cut();
    await Promise.all([closed, ...gone]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  delayMs(): number {
    if (this.#latency === undefined) return 0;
    const { delayMs, jitterMs = 0, random = Math.random } = this.#latency;
    return delayMs + jitterMs * random();
  }

  inspect(direction: Direction, chunk: Buffer, connection: Connection): Verdict {
    const verdict = this.#judge(direction, chunk, connection);
    this.#passed[direction] += verdict.forward.length;
    return verdict;
  }

  closed(connection: Connection): void {
    this.#connections.delete(connection);
  }

  #judge(direction: Direction, chunk: Buffer, connection: Connection): Verdict {
    for (const [rule, tell] of this.#rules) {
      const verdict = rule.inspect(direction, chunk, connection);
      if (verdict === undefined) continue;
      this.#rules.delete(rule);
      return verdict.cut === undefined ? verdict : { ...verdict, cut: { ...verdict.cut, done: () => tell(true) } };
    }
    return { forward: chunk };
  }

  #arm(rule: Rule): Promise<boolean> {
    return new Promise((resolve) => this.#rules.set(rule, resolve));
  }

  #pump(): void {
    for (const connection of this.#connections) connection.pump();
  }
}
