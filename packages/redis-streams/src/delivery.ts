import type { Received, SettleResult } from '@anymq/core/driver';

/** The token of one hand-over, and what the driver knows of it. Never handed out twice. */
export class Delivery {
  /** Among all of its receiver. */
  readonly name: string;
  /** Number of its stream, from 1. */
  readonly stream: number;
  readonly id: string;
  readonly bytes: number;
  readonly partition: number;
  /** Another program wrote it without an id: copies get the one that it is shown with. */
  readonly isForeign: boolean;
  /** When its lease ends, by our clock. */
  deadline: number;
  /** `markStarted` was confirmed. */
  isMarked = false;
  /** Once settled or lost: what every later settle answers. */
  result: SettleResult | undefined = undefined;
  received: Received | undefined = undefined;

  constructor(
    place: { readonly stream: number; readonly id: string; readonly partition: number },
    bytes: number,
    isForeign: boolean,
    deadline: number,
  ) {
    this.name = `${place.stream}:${place.id}`;
    this.stream = place.stream;
    this.id = place.id;
    this.partition = place.partition;
    this.bytes = bytes;
    this.isForeign = isForeign;
    this.deadline = deadline;
  }
}

export function isDelivery(token: unknown): token is Delivery {
  return token instanceof Delivery;
}
