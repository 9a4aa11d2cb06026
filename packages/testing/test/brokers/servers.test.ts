import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { expect, test, vi } from 'vitest';
import { createCertificates } from '../../src/brokers/certificates.ts';
import { BrokerUnavailableError } from '../../src/brokers/image.ts';
import { docker } from '../../src/brokers/run-command.ts';
import { startServers, type StartedServers } from '../../src/brokers/start-servers.ts';

// Where images are built first, that takes minutes.
vi.setConfig({ testTimeout: 600_000 });

test('several servers share a container, and know each other by the ports that clients know', async (context) => {
  const servers = await startServers('redis', {
    count: 2,
    command: ([first, second]) => [
      'sh',
      '-c',
      `for port in ${first} ${second}; do redis-server --port $port --protected-mode no & done; wait`,
    ],
  }).catch((error: unknown) => {
    if (!(error instanceof BrokerUnavailableError) || process.env['CI'] === 'true') throw error;
    return undefined;
  });
  if (servers === undefined) return context.skip('not run: there is no Docker');
  const { container, ports } = servers;
  for (const port of ports) expect(await container.exec(['redis-cli', '-p', String(port), 'ping'])).toBe('PONG\n');
  expect(await published(servers)).toEqual(ports.map((port) => `127.0.0.1:${port}`).toSorted());
  await container.stop();
});

test('servers that end at once are told by their last words', async (context) => {
  const starting = startServers('redis', { count: 1, command: () => ['redis-server', '--no-such-setting', '1'] });
  const error: unknown = await starting.catch((reason: unknown) => reason);
  if (error instanceof BrokerUnavailableError) return context.skip('not run: there is no Docker');
  expect(String(error)).toContain('no-such-setting');
});

test.each(['127.0.0.1', 'localhost'])('a certificate is good for %s, for who trusts its authority', async (host) => {
  const { ca, cert, key } = createCertificates();
  const server = createServer({ cert, key }, (socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const trusting = connect({ host, port, ca });
  await once(trusting, 'secureConnect');
  expect(trusting.authorized).toBe(true);
  const [error] = (await once(connect({ host, port }), 'error').catch((reason: unknown) => [reason])) as [Error];
  expect(error).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  trusting.destroy();
  server.close();
});

async function published({ ports }: StartedServers): Promise<readonly string[]> {
  const filter = ['--filter', `publish=${ports[0]}`];
  const { stdout } = await docker(['ps', ...filter, '--format', '{{.Ports}}']);
  return [...stdout.matchAll(/([\d.]+:\d+)->/g)].map(([, place = '']) => place).toSorted();
}
