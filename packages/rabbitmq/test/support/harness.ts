import type { Driver } from '@anymq/core/driver';
import { createRabbitmqDriver, type AmqpConnection } from '@anymq/rabbitmq';
import type { Harness, RawMessage } from '@anymq/testing';
import { connect, type ChannelModel } from 'amqplib';

interface Process {
  readonly connections: Set<ChannelModel>;
  isDead: boolean;
}

/**
 * Drivers on the broker at `url`, whose sockets can be cut as a network or the end of a process does. `restart` restarts the
 * broker and resolves when it answers; without it the cases that need that are left out.
 */
export function createHarness(url: string, restart?: () => Promise<void>): Harness {
  const processes = new Map<Driver, Process>();
  const all = new Set<Process>();
  const harness: Harness = {
    name: 'rabbitmq',
    async createDriver(namespace) {
      const process: Process = { connections: new Set(), isDead: false };
      const driver = (await createRabbitmqDriver({ namespace, connect: () => open(url, process) })) as Driver;
      processes.set(driver, process);
      all.add(process);
      return driver;
    },
    async crash(driver) {
      const process = processes.get(driver);
      if (process === undefined) return;
      process.isDead = true;
      cut(process);
      all.delete(process);
    },
    async cutConnections() {
      all.forEach(cut);
    },
    writeForeign: (address, raw) => writeForeign(url, String(address.physical), raw),
    async close() {
      processes.clear();
      all.clear();
    },
  };
  return restart === undefined ? harness : { ...harness, restartBroker: restart };
}

async function open(url: string, process: Process): Promise<AmqpConnection> {
  if (process.isDead) throw new Error('connection closed: this process is dead');
  const connection = await connect(url, { noDelay: true });
  connection.on('close', () => process.connections.delete(connection));
  process.connections.add(connection);
  return connection;
}

function cut({ connections }: Process): void {
  for (const { connection } of [...connections]) {
    const { stream } = connection as unknown as { readonly stream: { destroy(error: Error): void } };
    stream.destroy(new Error('connection closed: cut'));
  }
}

async function writeForeign(url: string, queue: string, { body, headers }: RawMessage): Promise<void> {
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  channel.sendToQueue(queue, Buffer.from(body), { persistent: true, headers });
  await channel.waitForConfirms();
  await connection.close();
}
