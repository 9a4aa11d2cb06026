import {
  type FailureRecord,
  type HeldMessage,
  lost,
  type LostReason,
  type ReceiveOptions,
  settled,
  type SettleResult,
  type Token,
} from '@anymq/core/driver';
import { MemoryBrokerError } from './errors.ts';
import type { Group } from './group.ts';
import { Hand } from './hand.ts';
import { DeliveryToken, type Entry, type StoredMessage } from './stored-message.ts';
import type { Wait, Waits } from './waits.ts';

export interface SubscriptionOptions {
  readonly waits: Waits;
  readonly leaseMs: number;
  /** False: one member at a time reads all partitions. */
  readonly isScaleOut: boolean;
  readonly onLost: (tokens: readonly Token[], reason: LostReason) => void;
  readonly onRevoking: ((tokens: readonly Token[]) => void) | undefined;
}

/** A settlement as the broker sees it: copies and letters are encoded already. */
export type StoredOutcome =
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'retry'; readonly copy: StoredMessage }
  | { readonly kind: 'deadLetter'; readonly letter: StoredMessage }
  | { readonly kind: 'release'; readonly delayMs: number };

/** One receiver at the broker: a member of a group, with what it holds. */
export class Subscription {
  readonly group: Group;
  readonly options: SubscriptionOptions;
  readonly hand: Hand = new Hand();
  #wait: Wait | undefined;
  #isDead = false;

  constructor(group: Group, options: SubscriptionOptions) {
    this.group = group;
    this.options = options;
    group.members.add(this);
  }

  /** At once with what there is; otherwise as soon as there is something, the signal aborts, or the longest wait has passed. */
  async receive(options: ReceiveOptions): Promise<readonly DeliveryToken[]> {
    if (options.signal.aborted) return [];
    if (this.group.isRemoved) throw removed();
    this.group.assignment?.join(this);
    const batch = this.group.take(this, options, this.group.runtime.clock.now());
    return batch.length > 0 ? batch : this.#waitFor(options);
  }

  hold(entry: Entry, nowMs: number): DeliveryToken {
    const token = new DeliveryToken(entry, this, nowMs + this.options.leaseMs);
    this.hand.append(token);
    return token;
  }

  /** After `hold`. */
  startLeases(): void {
    if (this.hand.first !== undefined) this.group.runtime.leases.started(this, this.hand.first.deadline);
  }

  /** Another lease from now, for those that are still held; those that were lost are returned. */
  extend(tokens: readonly DeliveryToken[]): readonly DeliveryToken[] {
    const deadline = this.group.runtime.clock.now() + this.options.leaseMs;
    const gone: DeliveryToken[] = [];
    for (const token of tokens) {
      if (token.result === lost) gone.push(token);
      else if (token.result === undefined) this.#extendOne(token, deadline);
    }
    return gone;
  }

  settle(token: DeliveryToken, outcome: StoredOutcome): SettleResult {
    if (token.holder !== this) return lost;
    if (token.result !== undefined) return token.result;
    token.result = settled;
    this.#drop(token);
    this.#apply(token, outcome);
    return settled;
  }

  /** Hands on what settlements gave back, and leaves no timer for an empty hand. After each batch. */
  afterSettle(): void {
    if (this.hand.size === 0) this.group.runtime.leases.ended(this);
    this.group.wake(this.group.runtime.clock.now());
  }

  markStarted(tokens: readonly DeliveryToken[]): void {
    for (const token of tokens) token.isStarted = true;
  }

  recordHeld(token: DeliveryToken, held: HeldMessage, failure: FailureRecord | undefined): void {
    if (token.result !== undefined) return;
    const { entry } = token;
    entry.heldAttempt = held.attempt;
    entry.heldUntil = held.heldUntil;
    entry.heldFailure = failure;
  }

  tokensOf(partition: number): DeliveryToken[] {
    return [...this.hand].filter((token) => token.entry.message.partition === partition);
  }

  announceRevocation(tokens: readonly DeliveryToken[]): void {
    const { onRevoking } = this.options;
    if (onRevoking !== undefined) queueMicrotask(() => onRevoking(tokens));
  }

  /**
   * Leases that have ended. On an ordered destination everything in hand of the same partitions goes along, or it would
   * overtake them; and a member that is not even receiving gives up its partitions until it receives again.
   */
  expire(nowMs: number): void {
    const due = [...this.hand].filter((token) => token.deadline <= nowMs);
    if (due.length > 0) this.expireTokens(due);
  }

  expireTokens(due: readonly DeliveryToken[]): void {
    const { assignment } = this.group;
    if (assignment === undefined) return this.lose(due, 'expired', { isDeath: true });
    const isStalled = this.#wait === undefined;
    const partitions = new Set(due.map((token) => token.entry.message.partition));
    const all = [...this.hand].filter((token) => isStalled || partitions.has(token.entry.message.partition));
    this.lose(all, 'expired', { isDeath: true });
    if (isStalled) assignment.leave(this);
  }

  /** Takes these away: they go back to their places, and the receiver is told. */
  lose(
    tokens: readonly DeliveryToken[],
    reason: LostReason,
    { isDeath = false }: { readonly isDeath?: boolean } = {},
  ): void {
    this.#takeBack(tokens, isDeath);
    const { onLost } = this.options;
    if (!this.#isDead && tokens.length > 0) queueMicrotask(() => onLost(tokens, reason));
    this.afterSettle();
  }

  /** Before any connection gives its deliveries back, or another one that is going to be cut would get them. */
  failWait(error: Error): void {
    this.#wait?.fail(error);
  }

  /** A cut connection: `receive` may be called again. */
  disconnect(): void {
    this.lose([...this.hand], 'disconnected');
    this.group.assignment?.leave(this);
  }

  /** Its group is no more. */
  groupRemoved(): void {
    this.failWait(removed());
    this.lose([...this.hand], 'revoked');
  }

  /** The end of this receiver. After a death it is told nothing more, and what it held is suspect. */
  end({ isDeath }: { readonly isDeath: boolean }): void {
    this.#isDead = true;
    this.#wait?.finish([]);
    this.#takeBack([...this.hand], isDeath);
    this.group.members.delete(this);
    this.group.assignment?.leave(this);
    this.afterSettle();
  }

  #extendOne(token: DeliveryToken, deadline: number): void {
    token.deadline = deadline;
    this.hand.remove(token);
    this.hand.append(token);
  }

  #drop(token: DeliveryToken): void {
    this.hand.remove(token);
  }

  #apply(token: DeliveryToken, outcome: StoredOutcome): void {
    const { group } = this;
    switch (outcome.kind) {
      case 'acknowledge':
        break;
      case 'retry':
        if (!group.isRemoved) group.add(outcome.copy, { isCopy: true }, group.runtime.clock.now());
        break;
      case 'deadLetter':
        group.letters.add(outcome.letter);
        break;
      case 'release':
        token.entry.wasDelivered = true;
        token.entry.isSuspect = false;
        return group.giveBack(token, group.assignment === undefined ? outcome.delayMs : 0);
    }
    group.finish(token);
  }

  #takeBack(tokens: readonly DeliveryToken[], isDeath: boolean): void {
    const wasAlone = this.hand.size === 1;
    for (const token of tokens) {
      if (token.result !== undefined) continue;
      token.result = lost;
      const { entry } = token;
      entry.wasDelivered = true;
      if (isDeath) entry.isSuspect = true;
      if (isDeath && (token.isStarted || wasAlone)) entry.crashCount += 1;
      this.#drop(token);
      this.group.giveBack(token);
    }
  }

  #waitFor(options: ReceiveOptions): Promise<readonly DeliveryToken[]> {
    const onEnd = (): void => {
      this.#wait = undefined;
    };
    return new Promise((resolve, reject) => {
      this.#wait = this.options.waits.begin({ subscription: this, options, resolve, reject, onEnd });
    });
  }
}

function removed(): MemoryBrokerError {
  return new MemoryBrokerError('NO_SUCH_DESTINATION', 'The destination or group was removed.');
}
