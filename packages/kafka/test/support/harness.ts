import { connect, type Socket } from 'node:net';
import type { Driver } from '@anymq/core/driver';
import { createKafkaDriver, type KafkaDriverOptions, type KafkaSocketOptions } from '@anymq/kafka';
import type { Harness } from '@anymq/testing';
import type { Kafka } from 'kafkajs';
import { rawClient } from './raw-client.ts';

interface Options {
  /** host:port */
  readonly broker: string;
  readonly options?: KafkaDriverOptions | undefined;
  /** Resolves when the broker answers again. */
  readonly restart?: (() => Promise<void>) | undefined;
}

/** Sockets that one driver made. A crash destroys them, and lets it open no others. */
interface Process {
  readonly sockets: Set<Socket>;
  isDead: boolean;
}

/** Real drivers on a real broker. */
export async function createHarness({ broker, options, restart }: Options): Promise<Harness> {
  const processes = new Map<Driver, Process>();
  const client = rawClient(broker);
  await untilCoordinated(client);
  const writer = client.producer({ createPartitioner });
  await writer.connect();
  return {
    name: 'kafka',
    async createDriver(namespace) {
      const process: Process = { sockets: new Set(), isDead: false };
      const driver = (await createKafkaDriver({
        brokers: [broker],
        namespace,
        socketFactory: (to) => noted(process, to),
        ...options,
      })) as Driver;
      processes.set(driver, process);
      return driver;
    },
    async crash(driver) {
      const process = processes.get(driver);
      if (process === undefined) return;
      process.isDead = true;
      cut(process);
    },
    ...(restart === undefined ? {} : { restartBroker: restart }),
    async cutConnections() {
      for (const process of processes.values()) cut(process);
    },
    async writeForeign({ physical = '' }, { body, key = null, headers = {} }) {
      await writer.send({ topic: physical, messages: [{ key, value: Buffer.from(body), headers: { ...headers } }] });
    },
    async close() {
      await writer.disconnect();
    },
  };
}

/** A new broker makes the topic of the groups' offsets when it is first asked for a group, which takes seconds. */
async function untilCoordinated(client: Kafka): Promise<void> {
  const admin = client.admin({ retry: { retries: 100, initialRetryTime: 100, maxRetryTime: 500 } });
  await admin.connect();
  await admin.describeGroups(['anymq-first']);
  await admin.disconnect();
}

function createPartitioner(): () => number {
  return () => 0;
}

function noted(process: Process, { host, port, onConnect }: KafkaSocketOptions): Socket {
  const socket = connect({ host, port, noDelay: true }, onConnect);
  process.sockets.add(socket);
  socket.once('close', () => process.sockets.delete(socket));
  if (process.isDead) socket.destroy(new Error('This process is dead.'));
  return socket;
}

function cut({ sockets }: Process): void {
  for (const socket of sockets) socket.destroy(new Error('The connection was cut.'));
}
