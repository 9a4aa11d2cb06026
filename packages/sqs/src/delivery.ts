import type { SettleResult, WireMessage } from '@anymq/core/driver';
import type { RawMessage } from './sqs-endpoint.ts';

/** The token of one hand-over, and what the driver knows of it. Never handed out twice. */
export class Delivery {
  readonly receipt: string;
  /** SQS's own: the same at every receive of this message. */
  readonly messageId: string;
  /** Of a FIFO queue. */
  readonly group: string | undefined;
  readonly receivedAt: number;
  readonly bytes: number;
  /** When its lease ends, by our clock. */
  deadline: number;
  /** Its first, short lease was extended. */
  isExtended = false;
  /** Its copy, or dead letter, was confirmed: what is left is to delete it. */
  isCopied = false;
  /** A delete was tried whose answer never came. */
  mayBeDeleted = false;
  /** A settlement that began in time is under way: its answer decides whether it was. */
  isSettling = false;
  /** It is on its way back: an extension would hide it. */
  isReleasing = false;
  /** `markStarted` was confirmed. */
  isMarked = false;
  /** Once settled or lost: what every later settle answers. */
  result: SettleResult | undefined = undefined;
  /** As SQS counts them. */
  receives = 1;
  received: WireMessage | undefined = undefined;
  /** Repeats of one copy have the same deduplication id. */
  readonly generation: string = crypto.randomUUID();

  constructor(raw: RawMessage, nowMs: number, leaseMs: number) {
    this.receipt = raw.ReceiptHandle ?? '';
    this.messageId = raw.MessageId ?? '';
    this.group = raw.Attributes?.MessageGroupId;
    this.receivedAt = nowMs;
    this.deadline = nowMs + leaseMs;
    this.bytes = raw.Body?.length ?? 0;
  }
}

export function isDelivery(token: unknown): token is Delivery {
  return token instanceof Delivery;
}
