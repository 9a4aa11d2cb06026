import type { SettleResult } from '@anymq/core/driver';
import type { AmqpMessage } from './client.ts';
import { deliveryCount, identityOf } from './encoding.ts';
import type { Feed } from './feed.ts';

/** Deliveries that ended without a settlement before a message is a suspect. A single one is what any cut connection leaves behind. */
const suspectAt = 2;

/** One hand-over of a message: the token that core gets. It forgets the message when it is settled. */
export class Delivery {
  readonly feed: Feed;
  readonly tag: number;
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

  constructor(feed: Feed, tag: number, message: AmqpMessage) {
    this.feed = feed;
    this.tag = tag;
    this.message = message;
  }

  get isRedelivered(): boolean {
    return this.message?.fields.redelivered === true;
  }

  get isSuspect(): boolean {
    return this.message !== undefined && deliveryCount(this.message) >= suspectAt;
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
