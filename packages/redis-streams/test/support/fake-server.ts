import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

export interface FakeServer {
  readonly port: number;
  close(): void;
}

/** Answers INFO with these lines and anything else with OK; without lines it accepts connections and never answers. */
export async function startFakeServer(info?: readonly string[]): Promise<FakeServer> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (info === undefined) return;
      for (const command of chunk.toString().split(/(?=\*\d+\r\n)/)) {
        const text = info.join('\r\n');
        socket.write(/\r\ninfo\r\n/i.test(command) ? `$${text.length}\r\n${text}\r\n` : '+OK\r\n');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
