import { connect } from 'node:net';

const withinMs = 1000;

/**
 * Sends `request` to that port of 127.0.0.1 and resolves when what comes back begins with `expected`. A connection alone
 * says nothing: Docker accepts it before the server listens, and closes it again.
 */
export function firstAnswer(port: number, request: Uint8Array, expected: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: withinMs });
    const fail = (why: string) => {
      socket.destroy();
      reject(new Error(`Port ${port} of 127.0.0.1 ${why}.`));
    };
    let answer = '';
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (expected.some((beginning) => answer.startsWith(beginning))) {
        socket.destroy();
        resolve();
      } else if (!expected.some((beginning) => beginning.startsWith(answer))) fail('gives another answer');
    });
    socket.on('timeout', () => fail(`does not answer within ${withinMs} ms`));
    socket.on('error', (error) => fail(`cannot be reached: ${error.message}`));
    socket.on('close', () => fail('closes the connection'));
  });
}
