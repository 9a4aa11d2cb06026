import { type Clock, sleep } from '@anymq/core/driver';
import type { Link } from './client.ts';
import { leadersOf } from './cluster-calls.ts';
import { KafkaDriverError } from './errors.ts';

export interface DeletedTopicContext {
  readonly link: Link;
  readonly clock: Clock;
  readonly topic: string;
  readonly signal: AbortSignal;
  /** undefined: it is there. */
  readonly onTrouble: (error: unknown) => void;
  readonly onThereAgain: () => void;
}

const retryMs = 200;

/** A destination that was deleted under its consumer. When somebody makes it again, it is another one. */
export class DeletedTopic {
  readonly #context: DeletedTopicContext;
  #isWatched = false;

  constructor(context: DeletedTopicContext) {
    this.#context = context;
  }

  async untilThereAgain(): Promise<void> {
    const { clock, signal, onTrouble, onThereAgain } = this.#context;
    if (this.#isWatched) return;
    this.#isWatched = true;
    while (!signal.aborted && !(await this.#isThere())) await sleep(clock, retryMs, signal);
    this.#isWatched = false;
    onTrouble(undefined);
    onThereAgain();
  }

  async #isThere(): Promise<boolean> {
    const { link, clock, topic, onTrouble } = this.#context;
    try {
      if ((await leadersOf(link, topic, clock)) !== undefined) return true;
      onTrouble(new KafkaDriverError('NOT_CONNECTED', `The topic ${topic} does not exist any more.`));
    } catch (error) {
      onTrouble(error);
    }
    return false;
  }
}
