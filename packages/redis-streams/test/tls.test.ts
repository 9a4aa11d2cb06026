import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { connect } from '@anymq/core';
import { createRedisStreamsDriver, redisStreams } from '@anymq/redis-streams';
import { createCertificates, sharedBroker, startBroker, type StartedBroker } from '@anymq/testing/brokers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEach } from './support/servers.ts';
import { Traffic } from './support/traffic.ts';

const { ca, cert, key } = createCertificates();
const password = 'p@ss:word/%';

describe.runIf(sharedBroker('redis')?.container !== undefined)('a server with TLS, a user and a password', () => {
  const folder = mkdtempSync(join(tmpdir(), 'anymq-tls-'));
  let broker: StartedBroker;
  let port: number;

  beforeAll(async () => {
    broker = await startBroker('redis');
    const exec = (command: readonly string[]): Promise<string> => broker.container.exec(command);
    port = Number(new URL(broker.url).port);
    for (const [name, text] of Object.entries({ cert, key })) {
      await exec(['sh', '-c', `printf %s "$0" >/tmp/${name}.pem`, text]);
    }
    await exec(['redis-cli', 'acl', 'setuser', 'shop', 'on', `>${password}`, '~*', '+@all']);
    await exec(['redis-cli', 'acl', 'setuser', 'default', 'off']);
    const files = ['tls-cert-file', '/tmp/cert.pem', 'tls-key-file', '/tmp/key.pem', 'tls-auth-clients', 'no'];
    const login = ['--user', 'shop', '--pass', password];
    await exec(['redis-cli', ...login, 'config', 'set', ...files, 'port', '0', 'tls-port', '6379']);
  }, 60_000);
  afterAll(async () => {
    await broker.container.stop();
    rmSync(folder, { recursive: true });
  });

  test('its own authority is an option; messages go and come', async () => {
    const options = { host: '127.0.0.1', port, tls: { ca }, username: 'shop', password };
    const traffic = await Traffic.open({ connect: () => createRedisStreamsDriver(options) });
    await traffic.sendAll(300);
    await traffic.allHandled();
    expect(traffic.confirmed.size).toBe(300);
    await traffic.close();
  });

  test('a rediss: URL trusts whom the process trusts', async () => {
    writeFileSync(join(folder, 'ca.pem'), ca);
    const url = `rediss://shop:${encodeURIComponent(password)}@localhost:${port}`;
    const program = `
      const { connect, defineQueue } = await import('@anymq/core');
      const { redisStreams } = await import('@anymq/redis-streams');
      await using mq = await connect(${JSON.stringify(url)}, { drivers: [redisStreams] });
      const queue = defineQueue('secure');
      await mq.provision([queue]);
      await mq.producer(queue).send('hello');
      console.log((await mq.inspect(queue)).backlog.value);`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=source', '--input-type=module', '--eval', program],
      { cwd: import.meta.dirname, env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') } },
    );
    expect(stdout).toBe('1\n');
  }, 20_000);

  const user = `shop:${encodeURIComponent(password)}`;
  test.each([
    ['an authority that nobody knows', () => `rediss://${user}@127.0.0.1:${port}`],
    ['no TLS, where the server wants it', () => `redis://${user}@127.0.0.1:${port}`],
    ['TLS, where the server has none', () => sharedBroker('redis')?.url.replace('redis://', `rediss://${user}@`)],
  ])('%s ends in NOT_CONNECTED within the timeout, and names no password', async (_, url) => {
    const began = performance.now();
    const error: unknown = await connect(`${url()}?connectTimeoutMs=2000`, { drivers: [redisStreams] }).catch(
      (reason: unknown) => reason,
    );
    expect(performance.now() - began).toBeLessThan(3000);
    expect(error).toMatchObject({ code: 'NOT_CONNECTED' });
    expect(inspect(error, { depth: 9 })).not.toMatch(/p@ss|p%40ss/);
  });

  test('sentinels, and the master that they name, are spoken to by TLS', async () => {
    const servers = await startEach(2, (each, index) => [`port ${each[index]}`]);
    const { container } = servers;
    const [master = 0, sentinel = 0] = servers.ports;
    const exec = (command: string, ...args: string[]): Promise<string> =>
      container.exec(['sh', '-c', command, 'sh', ...args]);
    await exec('printf %s "$1" >/tmp/ca; printf %s "$2" >/tmp/cert; printf %s "$3" >/tmp/key', ca, cert, key);
    const settings = [
      'tls-ca-cert-file /tmp/ca',
      'tls-cert-file /tmp/cert',
      'tls-key-file /tmp/key',
      'tls-auth-clients no',
    ];
    await exec(`redis-cli -p ${master} config set ${settings.join(' ')} port 0 tls-port ${master}`);
    await servers.kill(sentinel);
    const watch = [
      `port 0`,
      `tls-port ${sentinel}`,
      'tls-replication yes',
      `sentinel monitor main 127.0.0.1 ${master} 1`,
    ];
    await exec('printf "%s\\n" "$@" >/tmp/conf', ...settings, ...watch);
    await exec('redis-server /tmp/conf --sentinel --daemonize yes --bind 0.0.0.0 --protected-mode no');
    const sentinels = [{ host: '127.0.0.1', port: sentinel }];
    const options = { sentinels, sentinelMaster: 'main', tls: { ca } };
    const traffic = await Traffic.open({ connect: () => createRedisStreamsDriver(options) });
    await traffic.sendAll(10);
    await traffic.allHandled();
    expect(traffic.confirmed.size).toBe(10);
    await traffic.close();
    await container.stop();
  }, 30_000);
});
