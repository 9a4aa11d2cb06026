import { maxEntries } from './batches.ts';
import type { RawMessage, QueueEndpoint } from './sqs-endpoint.ts';

export interface PollsOptions {
  readonly endpoint: QueueEndpoint;
  readonly url: string;
  readonly maxPollers: number;
  readonly waitSeconds: number;
  readonly leaseSeconds: number;
  readonly onMessages: (messages: readonly RawMessage[]) => Promise<void>;
  /** A poll has ended; with an error when it failed. */
  readonly onEnd: (error?: unknown) => void;
}

/**
 * Receives that wait at SQS. One while little comes; more beside each other as long as they come back full, up to what is asked for.
 * They outlive the call that started them, for a cut one may still take messages that nobody would see until their lease ends.
 */
export class Polls {
  readonly #options: PollsOptions;
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #asked = 0;
  #width = 1;

  constructor(options: PollsOptions) {
    this.#options = options;
  }

  /** Starts what is missing for so many messages. Beside others only full ones: a call costs the same for one message and for ten. */
  fill(wanted: number): void {
    const most = Math.min(this.#width, this.#options.maxPollers);
    while (!this.#stop.signal.aborted && this.#running.size < most) {
      const missing = wanted - this.#asked;
      if (missing < (this.#running.size === 0 ? 1 : maxEntries)) return;
      this.#start(Math.min(maxEntries, missing));
    }
  }

  /** Cuts them. Resolves when none is left. */
  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  #start(maxMessages: number): void {
    this.#asked += maxMessages;
    const poll = this.#poll(maxMessages).then((error) => {
      this.#running.delete(poll);
      this.#asked -= maxMessages;
      this.#options.onEnd(error);
    });
    this.#running.add(poll);
  }

  /** Resolves with what went wrong. */
  async #poll(maxMessages: number): Promise<unknown> {
    const { endpoint, url, waitSeconds, leaseSeconds, onMessages } = this.#options;
    try {
      const { signal } = this.#stop;
      const messages = await endpoint.receive(url, { maxMessages, waitSeconds, leaseSeconds, signal });
      if (messages.length === maxMessages) this.#width = Math.min(this.#options.maxPollers, this.#width * 2);
      else if (messages.length === 0) this.#width = Math.max(1, this.#width >> 1);
      if (messages.length > 0) await onMessages(messages);
      return undefined;
    } catch (error) {
      this.#width = 1;
      return this.#stop.signal.aborted ? undefined : error;
    }
  }
}
