import type { SettleResult } from '@anymq/core/driver';
import type { AmqpMessage } from './client.ts';
import { identityOf } from './encoding.ts';
import type { Feed } from './feed.ts';

/** One hand-over of a message: the token that core gets. It forgets the message when it is settled. */
export class Delivery {
  readonly feed: Feed;
  readonly tag: number;
  /** It may have killed a process. */
  readonly isSuspect: boolean;
  message: AmqpMessage | undefined;
  /** As core has seen it: a foreign message may have none of its own. */
  id = '';
  /** In core's hands, and not in the buffer. */
  isHeld = false;
  /** Once it is settled or lost: what every later settlement answers. */
  result: SettleResult | undefined = undefined;
  settling: Promise<SettleResult> | undefined = undefined;
  /** Runs that were begun and not settled, this one included; undefined: nobody was asked yet. */
  marks: number | undefined = undefined;
  /** By `markStarted`: what identifies the message, also when it is forgotten. */
  markedAs: string | undefined = undefined;

  constructor(feed: Feed, tag: number, message: AmqpMessage, isSuspect: boolean) {
    this.feed = feed;
    this.tag = tag;
    this.message = message;
    this.isSuspect = isSuspect;
  }

  get isRedelivered(): boolean {
    return this.message?.fields.redelivered === true;
  }

  get identity(): string {
    return this.message === undefined ? '' : identityOf(this.message);
  }

  end(result: SettleResult): void {
    this.result = result;
    this.isHeld = false;
    this.message = undefined;
  }
}

export function isDelivery(token: unknown): token is Delivery {
  return token instanceof Delivery;
}
