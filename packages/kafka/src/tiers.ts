import type { Logger } from '@anymq/core/driver';
import { errorType } from './errors.ts';
import type { Loader } from './loader.ts';
import type { Share } from './share.ts';

export interface TiersContext {
  readonly loader: Loader;
  readonly logger: Logger;
  readonly shareOf: (partition: number) => Share | undefined;
  readonly onAdded: () => void;
  /** Waited for when the receiver closes; rejections are reported. */
  readonly track: (work: Promise<void>) => void;
}

/** The retry topics of the partitions that we hold. Those of the tiers are made when they are first needed. */
export class Tiers {
  readonly #context: TiersContext;
  readonly #adding = new Set<string>();

  constructor(context: TiersContext) {
    this.#context = context;
  }

  has(topic: string, partition: number): boolean {
    return this.#context.shareOf(partition)?.logs.has(topic) ?? false;
  }

  /** In the background. What has to wait meanwhile comes and goes through the retry topic. */
  add(topic: string, partition: number, tierMs: number): void {
    const name = `${topic}/${partition}`;
    if (this.#adding.has(name)) return;
    this.#adding.add(name);
    this.#context.track(this.#tryEnsure(topic, partition, tierMs).finally(() => this.#adding.delete(name)));
  }

  async #tryEnsure(topic: string, partition: number, tierMs: number): Promise<void> {
    try {
      await this.ensure(topic, partition, tierMs);
    } catch (error) {
      this.#context.logger.warn('A retry topic could not be opened.', { topic, reason: errorType(error) });
    }
  }

  /** Resolves when it is there and read. */
  async ensure(topic: string, partition: number, tierMs: number): Promise<void> {
    const { loader, shareOf, onAdded } = this.#context;
    const share = shareOf(partition);
    if (share === undefined || share.logs.has(topic)) return;
    const log = await loader.loadRetry(topic, partition, tierMs);
    if (shareOf(partition) !== share || share.logs.has(topic)) return;
    share.logs.set(topic, log);
    onAdded();
  }
}
