import { createServer, connect, type Server, type Socket } from 'node:net';

/** Stands between a driver and its broker: the end of a process, or of a network, is the end of its sockets. */
export interface CutOff {
  readonly url: string;
  /** Ends every connection. */
  cut(): void;
  /** And lets nobody in any more. */
  close(): void;
}

export async function cutOff(target: string): Promise<CutOff> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    for (const each of [socket, upstream]) {
      sockets.add(each);
      each.setNoDelay(true);
      each.on('error', () => undefined);
      each.on('close', () => {
        sockets.delete(each);
        socket.destroy();
        upstream.destroy();
      });
    }
    socket.pipe(upstream).pipe(socket);
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${await listen(server)}`,
    cut,
    close() {
      server.close();
      cut();
    },
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
