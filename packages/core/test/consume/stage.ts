import type { Limits } from '../../src/capabilities.ts';
import type { Client } from '../../src/client-types.ts';
import type {
  BatchConsumerOptions,
  BatchHandler,
  Consumer,
  ConsumerOptions,
  Handler,
} from '../../src/consume-types.ts';
import { createClient } from '../../src/create-client.ts';
import { defineQueue, type DefinitionOptions, type Queue } from '../../src/destination.ts';
import type { ClientEvent } from '../../src/events.ts';
import type { Logger } from '../../src/logger.ts';
import { preload } from '../preload.ts';
import { settle } from './rest.ts';
import { Runs } from './runs.ts';
import { ScriptedClock } from './scripted-clock.ts';
import { ScriptedDriver } from './scripted-driver.ts';

export interface Scene {
  readonly ordered?: boolean;
  readonly limits?: Partial<Limits>;
  readonly definition?: DefinitionOptions<unknown, unknown>;
  /** Instead of `runs`. */
  readonly handler?: Handler<unknown>;
  /** Before the consumer starts. */
  readonly prepare?: (driver: ScriptedDriver) => void;
  readonly onEvent?: (event: ClientEvent) => void;
  readonly logger?: Logger;
  /** True by default. */
  readonly start?: boolean;
}

/** One consumer on a scripted driver, with a clock that moves when the test says so. */
export interface Stage {
  readonly clock: ScriptedClock;
  readonly driver: ScriptedDriver;
  readonly client: Client;
  readonly consumer: Consumer;
  readonly runs: Runs;
  readonly events: ClientEvent[];
  readonly queue: Queue<unknown, unknown>;
}

/** Retries after 1 s, 5 attempts, unless told otherwise. */
export async function stage(scene: Scene = {}, options: ConsumerOptions = {}): Promise<Stage> {
  return await build(scene, (client, queue, { handler }) =>
    client.consumer(queue, { retry: options.acknowledge === 'before' ? undefined : afterASecond, ...options }, handler),
  );
}

export async function batchStage(
  handler: BatchHandler<unknown>,
  options: BatchConsumerOptions = {},
  scene: Scene = {},
): Promise<Stage> {
  return await build(scene, (client, queue) =>
    client.batchConsumer(queue, { retry: afterASecond, ...options }, handler),
  );
}

const afterASecond = ({ attempt }: { readonly attempt: number }): number | null => (attempt >= 5 ? null : 1000);

async function build(
  { ordered = false, limits = {}, definition = {}, prepare, onEvent, start = true, ...scene }: Scene,
  open: (client: Client, queue: Stage['queue'], runs: Runs) => Consumer,
): Promise<Stage> {
  await preload();
  const clock = new ScriptedClock();
  const driver = new ScriptedDriver(limits);
  prepare?.(driver);
  const events: ClientEvent[] = [];
  const client = await createClient(driver, {
    clock,
    random: () => 0.5,
    onEvent: (event) => {
      events.push(event);
      onEvent?.(event);
    },
    ...(scene.logger === undefined ? {} : { logger: scene.logger }),
  });
  const keyed: DefinitionOptions<unknown, unknown> = { key: () => 'k', ordering: 'key', partitions: 1, ...definition };
  const queue = defineQueue<unknown, unknown>('jobs', ordered ? keyed : definition);
  const runs = new Runs(scene.handler);
  const consumer = open(client, queue, runs);
  if (start) await consumer.start();
  await settle();
  return { clock, driver, client, consumer, runs, events, queue };
}
