import type { SettleResult, WireMessage } from '@anymq/core/driver';
import type { Entry } from './partition-log.ts';

/** The token of one hand-over, and what the driver knows of it. Never handed out twice. */
export class Delivery {
  readonly entry: Entry;
  readonly message: WireMessage;
  /** A copy, or its dead letter, was confirmed. */
  isCopied = false;
  /** What remains is to tell the group: a repeat writes no other copy. */
  isApplied = false;
  /** Once settled or lost: what every later settle answers. */
  result: SettleResult | undefined = undefined;

  constructor(entry: Entry, message: WireMessage) {
    this.entry = entry;
    this.message = message;
  }
}
