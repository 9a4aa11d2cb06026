import type { BrokerSpec } from './broker-spec.ts';
import { firstAnswer } from './first-answer.ts';

/** No broker: the database of the idempotency stores and the outbox. */
export const postgres: BrokerSpec = {
  variable: 'ANYMQ_TEST_POSTGRES_URL',
  store: true,
  containers: [
    {
      image: { official: 'postgres:17', folder: 'postgres', suite: 'trixie' },
      port: 5432,
      launch: (configuration) => ({
        environment: { POSTGRES_PASSWORD: 'postgres' },
        command: [
          'postgres',
          ...Object.entries({ listen_addresses: '*', ...configuration }).flatMap(([name, value]) => [
            '-c',
            `${name}=${value}`,
          ]),
        ],
      }),
      // The server asks for the password only when it takes connections; before that, and while it recovers, it sends an error.
      answers: (port) => firstAnswer(port, startupMessage({ user: 'postgres', database: 'postgres' }), ['R']),
    },
  ],
  url: ([port]) => `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
};

function startupMessage(parameters: Readonly<Record<string, string>>): Uint8Array {
  const body = Buffer.from(`${Object.entries(parameters).flat().join('\0')}\0\0`);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(head.length + body.length, 0);
  // Version 3.0 of the protocol.
  head.writeUInt32BE(3 << 16, 4);
  return Buffer.concat([head, body]);
}
