import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { silentLogger } from '@anymq/core/driver';
import { mendKafkajs } from '../src/mending.ts';

/** Of kafkajs, and as undocumented as what is mended. */
interface Connection {
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  send(call: object): Promise<unknown>;
}
const require = createRequire(import.meta.url);
const KafkaConnection = require('kafkajs/src/network/connection') as new (options: object) => Connection;
const { protocol } = require('kafkajs/src/protocol/requests/apiVersions') as {
  protocol: (of: { version: number }) => () => object;
};

/** Of ApiVersions, version 0: no error and no key, with the correlation id of the request. */
function answerTo(request: Buffer): Buffer {
  const answer = Buffer.alloc(14);
  answer.writeInt32BE(10, 0);
  request.copy(answer, 4, 8, 12);
  return answer;
}

test('what a connection received of an answer until it was cut is not put before what the next one receives', async () => {
  mendKafkajs(require, silentLogger);
  let connections = 0;
  const server = createServer((socket) => {
    const bytes = connections++ === 0 ? 9 : 14;
    socket.on('data', (request: Buffer) => {
      socket.write(answerTo(request).subarray(0, bytes));
      if (bytes < 14) socket.end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const log = { namespace: () => log, debug() {}, info() {}, warn() {}, error() {} };
  const connection = new KafkaConnection({
    host: '127.0.0.1',
    port,
    logger: log,
    requestTimeout: 5000,
    connectionTimeout: 5000,
    socketFactory: ({ onConnect }: { onConnect: () => void }) => connect(port, '127.0.0.1', onConnect),
  });
  const call = protocol({ version: 0 })();
  await connection.connect();
  await expect(connection.send(call)).rejects.toThrow('Closed connection');
  await connection.connect();
  await expect(connection.send(call)).resolves.toMatchObject({ errorCode: 0 });
  await connection.disconnect();
  await new Promise((resolve) => server.close(resolve));
});
