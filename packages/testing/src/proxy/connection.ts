import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Flow } from './flow.ts';
import type { CutManner, Direction, Verdict } from './rules.ts';

/** What a connection asks of its proxy. */
export interface ConnectionControl {
  readonly stalled: boolean;
  delayMs(): number;
  inspect(direction: Direction, chunk: Buffer, connection: Connection): Verdict;
  closed(connection: Connection): void;
}

/** A client's connection and the one to the server that stands for it. What ends one ends the other in the same way. */
export class Connection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #flows: readonly Flow[];
  readonly #gone = Promise.withResolvers<void>();
  #open = 2;

  constructor(client: Socket, target: number, control: ConnectionControl) {
    this.#client = client;
    this.#server = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    this.#flows = [
      this.#flow(client, this.#server, 'toServer', control),
      this.#flow(this.#server, client, 'toClient', control),
    ];
    for (const [socket, other] of [
      [client, this.#server],
      [this.#server, client],
    ] as const) {
      socket.on('error', () => reset(other));
      socket.on('close', () => {
        if (!other.writableEnded) other.destroy();
        this.#open -= 1;
        if (this.#open === 0) this.#close(control);
      });
    }
  }

  /** Resolves when both sockets are closed. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  pump(): void {
    for (const flow of this.#flows) flow.pump();
  }

  cut(manner: CutManner): void {
    for (const flow of this.#flows) flow.close();
    for (const socket of [this.#client, this.#server]) {
      if (manner === 'reset') reset(socket);
      else socket.destroySoon();
    }
  }

  #flow(source: Socket, sink: Socket, direction: Direction, control: ConnectionControl): Flow {
    return new Flow(source, sink, {
      get stalled() {
        return control.stalled;
      },
      delayMs: () => control.delayMs(),
      inspect: (chunk) => control.inspect(direction, chunk, this),
      cut: ({ manner, done }) => {
        this.cut(manner);
        done?.();
      },
    });
  }

  #close(control: ConnectionControl): void {
    for (const flow of this.#flows) flow.close();
    control.closed(this);
    this.#gone.resolve();
  }
}

function reset(socket: Socket): void {
  // One that is still connecting has nothing to reset; one that was ended Node may refuse to reset, and then never closes.
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
