import type { Clock, Logger, Timer } from '@anymq/core/driver';
import type { Link } from './client.ts';
import { commitAlone, committedOf, leadersOf } from './cluster-calls.ts';
import { errorType } from './errors.ts';
import type { Names } from './names.ts';
import type { PartitionLog } from './partition-log.ts';

export interface CaretakerContext {
  readonly link: Link;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly names: Names;
  /** Nobody else reads the destination itself, and no history of it is kept. */
  readonly trimsMain: boolean;
  readonly logs: () => Iterable<PartitionLog>;
}

const everyMs = 60_000;
const keepEveryMs = 12 * 3_600_000;

/**
 * Deletes what everybody is done with, so that a log does not grow for ever, and so that a group whose offsets have expired
 * begins with what is left. And writes again what stands in the commit of the dead letters, which would expire too.
 */
export class Caretaker {
  readonly #context: CaretakerContext;
  readonly #trimmedTo = new WeakMap<PartitionLog, number>();
  #timer: Timer | undefined;
  #keptAt = 0;
  #mayTrim = true;

  constructor(context: CaretakerContext) {
    this.#context = context;
    this.#arm();
  }

  stop(): void {
    this.#context.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    const { clock } = this.#context;
    this.#timer = clock.setTimeout(() => {
      this.#arm();
      void this.tend();
    }, everyMs);
  }

  /** Never rejects: what fails is done the next time. */
  async tend(): Promise<void> {
    const { clock, logger } = this.#context;
    try {
      if (clock.now() - this.#keptAt >= keepEveryMs) await this.#keepLetters();
      if (this.#mayTrim) await this.#trim();
    } catch (error) {
      const reason = errorType(error);
      // Without the right to delete, nothing is deleted: that is said once.
      if (reason?.endsWith('AUTHORIZATION_FAILED') === true) this.#mayTrim = false;
      logger.warn('What was handled could not be deleted from the log.', { group: this.#context.names.group, reason });
    }
  }

  async #trim(): Promise<void> {
    const { link, names, trimsMain, logs } = this.#context;
    const done = [...logs()].filter(
      (log) =>
        !log.isLost && (trimsMain || log.topic !== names.main) && log.committedOffset > (this.#trimmedTo.get(log) ?? 0),
    );
    for (const [nodeId, led] of Map.groupBy(done, ({ leader }) => leader)) {
      const broker = await link.cluster.findBroker({ nodeId });
      const topics = [...Map.groupBy(led, ({ topic }) => topic)].map(([topic, each]) => ({
        topic,
        partitions: each.map(({ partition, committedOffset }) => ({ partition, offset: String(committedOffset) })),
      }));
      const upTo = led.map(({ committedOffset }) => committedOffset);
      await broker.deleteRecords({ topics });
      for (const [index, log] of led.entries()) this.#trimmedTo.set(log, upTo[index] ?? 0);
    }
  }

  async #keepLetters(): Promise<void> {
    const { link, clock, names } = this.#context;
    const found = await committedOf(link, names.dead, new Map([[names.dead, [0]]]));
    const known = found.get(names.dead)?.get(0);
    this.#keptAt = clock.now();
    if (known === undefined || known.offset < 0) return;
    await commitAlone(link, names.dead, names.dead, new Map([[0, known]]));
    const nodeId = (await leadersOf(link, names.dead, clock))?.get(0);
    if (nodeId === undefined || !this.#mayTrim) return;
    const broker = await link.cluster.findBroker({ nodeId });
    await broker.deleteRecords({
      topics: [{ topic: names.dead, partitions: [{ partition: 0, offset: String(known.offset) }] }],
    });
  }
}
