// A consumer in a process of its own. Told by its parent what to do, it reports every run before it is acknowledged: what is
// written to the pipe outlives the process.
import { writeSync } from 'node:fs';
import { createClient, defineQueue } from '@anymq/core';
import { createKafkaDriver } from '@anymq/kafka';

export interface MemberPlan {
  readonly broker: string;
  readonly namespace: string;
  readonly ordered: boolean;
  readonly partitions: number;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly handlerMs: number;
  /** The message whose handler takes the process down. */
  readonly killer?: string;
  readonly crashLimit?: number;
}

export interface Report {
  readonly id: string;
  readonly key: string | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attempt: number;
}

const plan = JSON.parse(process.argv[2] ?? '{}') as MemberPlan;
const driver = await createKafkaDriver({ brokers: [plan.broker], namespace: plan.namespace });
const client = await createClient(driver);
const queue = defineQueue<{ readonly n: number; readonly key: string }>('work', {
  partitions: plan.partitions,
  ...(plan.ordered ? { ordering: 'key', key: ({ key }) => key } : {}),
});
const now = (): number => performance.timeOrigin + performance.now();
const reportPipe = 4;
const consumer = client.consumer(
  queue,
  {
    concurrency: plan.concurrency,
    leaseMs: plan.leaseMs,
    ...(plan.crashLimit === undefined ? {} : { crashLimit: plan.crashLimit }),
  },
  async (_body, { message: { id, key }, attempt }) => {
    const startedAt = now();
    if (id === plan.killer) process.kill(process.pid, 'SIGKILL');
    // The handler's work, of a length that the test chooses.
    await new Promise((resolve) => setTimeout(resolve, plan.handlerMs));
    const report: Report = { id, key, startedAt, endedAt: now(), attempt };
    writeSync(reportPipe, `${JSON.stringify(report)}\n`);
  },
);
process.on('message', (message: unknown) => {
  if (message === 'stop') void stop();
  if (message === 'cpu') process.send?.({ cpu: process.cpuUsage() });
});
await consumer.start();
process.send?.({ started: true });

async function stop(): Promise<void> {
  await consumer.stop();
  await client.close();
  process.disconnect();
}
