import type { Delivery } from './delivery.ts';
import type { DriverContext } from './driver-context.ts';
import type { QueueEndpoint } from './sqs-endpoint.ts';

const prefix = 'anymq-run-';
/** A queue has at most 50 tags: SQS API reference, TagQueue. */
const maxMarks = 30;
const keptMs = 24 * 60 * 60 * 1000;

/**
 * How often a message that may have killed its process was begun to run under suspicion: tags of its queue, for SQS counts receives only,
 * and keeps nothing else beside a message. Needs the rights to TagQueue, UntagQueue and ListQueueTags; without them deaths are not counted.
 */
export class Marks {
  readonly #context: DriverContext;
  readonly #endpoint: QueueEndpoint;
  readonly #url: string;

  constructor(context: DriverContext, endpoint: QueueEndpoint, url: string) {
    this.#context = context;
    this.#endpoint = endpoint;
    this.#url = url;
  }

  /** Times begun, by the message's id at SQS. Empty where tags cannot be read. */
  async read(): Promise<ReadonlyMap<string, number>> {
    try {
      const tags = Object.entries(await this.#endpoint.tags(this.#url));
      const ours = tags.filter(([name]) => name.startsWith(prefix));
      return new Map(ours.map(([name, value]) => [name.slice(prefix.length), timesOf(value)]));
    } catch (error) {
      this.#context.logger.warn('The tags of a queue cannot be read, so deaths of processes are not counted.', {
        error: error instanceof Error ? error.name : typeof error,
      });
      return new Map();
    }
  }

  /** Once more. Durable when it resolves. */
  async begin(deliveries: readonly Delivery[]): Promise<void> {
    const timesOf = ({ messageId, received }: Delivery) => [messageId, (received?.crashCount ?? 0) + 1] as const;
    await this.write(new Map(deliveries.map(timesOf)));
    for (const delivery of deliveries) delivery.isMarked = true;
  }

  /** Times begun, by the message's id at SQS. Durable when it resolves. */
  async write(times: ReadonlyMap<string, number>): Promise<void> {
    if (times.size === 0) return;
    await this.#tidy();
    const now = this.#context.clock.now();
    await this.#endpoint.tag(
      this.#url,
      Object.fromEntries([...times].map(([messageId, count]) => [prefix + messageId, `${count}@${now}`])),
    );
  }

  /** Of runs that were no death: what was counted before them. */
  async takeBack(deliveries: readonly Delivery[]): Promise<void> {
    const before = ({ received }: Delivery): number => received?.crashCount ?? 0;
    const earlier = deliveries.filter((delivery) => before(delivery) > 0);
    await this.write(new Map(earlier.map((delivery) => [delivery.messageId, before(delivery)])));
    await this.clear(deliveries.filter((delivery) => !earlier.includes(delivery)).map(({ messageId }) => messageId));
  }

  async clear(messageIds: readonly string[]): Promise<void> {
    if (messageIds.length === 0) return;
    await this.#endpoint.untag(
      this.#url,
      messageIds.map((id) => prefix + id),
    );
  }

  /** Messages that are gone without a settlement leave theirs behind. */
  async #tidy(): Promise<void> {
    const marks = Object.entries(await this.#endpoint.tags(this.#url)).filter(([name]) => name.startsWith(prefix));
    if (marks.length < maxMarks) return;
    const before = this.#context.clock.now() - keptMs;
    const old = marks.filter(([, value]) => Number(value.split('@')[1]) < before).map(([name]) => name);
    if (old.length > 0) await this.#endpoint.untag(this.#url, old);
  }
}

function timesOf(value: string): number {
  const times = Number.parseInt(value, 10);
  return Number.isFinite(times) && times > 0 ? Math.min(times, 1000) : 0;
}
