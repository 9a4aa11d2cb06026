import { Ring } from './ring.ts';
import { Due } from './schedule.ts';
import type { StoredMessage } from './stored-message.ts';

/** The history of a topic: what became visible during the last `retentionMs`. As on Kafka, what is older is gone for every group. */
export class MessageLog {
  readonly #retentionMs: number;
  readonly #messages = new Ring<StoredMessage>();
  /** Not visible yet: they enter the log when they come due. */
  readonly upcoming: Set<StoredMessage> = new Set();
  #appended = 0;

  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs;
  }

  /** Returns the message's offset. */
  append(message: StoredMessage, nowMs: number): number {
    this.#trim(nowMs);
    message.storedAt = nowMs;
    this.#messages.push(message);
    this.#appended += 1;
    return this.#appended - 1;
  }

  /** Visible since `fromMs` (inclusive), oldest first. */
  since(fromMs: number, nowMs: number): StoredMessage[] {
    this.#trim(nowMs);
    return [...this.#messages].filter((message) => message.storedAt >= fromMs);
  }

  #trim(nowMs: number): void {
    for (
      let oldest = this.#messages.peek();
      oldest !== undefined && oldest.storedAt + this.#retentionMs < nowMs;
      oldest = this.#messages.peek()
    ) {
      this.#messages.shift();
    }
  }
}

/** A delayed message enters the log. */
export class UpcomingMessage extends Due {
  readonly #message: StoredMessage;
  readonly log: MessageLog;

  constructor(message: StoredMessage, log: MessageLog) {
    super(message.visibleAt);
    this.#message = message;
    this.log = log;
  }

  override run(nowMs: number): void {
    this.log.upcoming.delete(this.#message);
    this.log.append(this.#message, nowMs);
  }
}
