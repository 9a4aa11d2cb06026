import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

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

/** Resolves when that port of 127.0.0.1 takes part in a TLS handshake, whoever signed its certificate. */
export function firstHandshake(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, timeout: withinMs, rejectUnauthorized: false });
    const fail = () => {
      socket.destroy();
      reject(new Error(`Port ${port} of 127.0.0.1 does not speak TLS.`));
    };
    socket.once('secureConnect', () => {
      resolve();
      socket.destroy();
    });
    for (const event of ['timeout', 'error', 'close']) socket.on(event, fail);
  });
}
