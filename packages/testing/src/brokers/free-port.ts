import { createServer } from 'node:net';

// Below the ports that Linux, macOS and Windows give to outgoing connections. From among those, a client that reconnects
// while the broker restarts can be given the broker's own port, talk to itself, and keep the broker from coming back.
const [from, to] = [20_000, 32_000];

/** A port of 127.0.0.1 that nobody listens on, and that stays fit for a server that goes away and comes back. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = from + Math.floor(Math.random() * (to - from));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
