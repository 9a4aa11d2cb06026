import type { AmqpMessage } from './client.ts';
import { deliveryCount, identityOf } from './encoding.ts';

/** Deliveries that ended without a settlement before a message is a suspect: one may be the end of a process that merely had it. */
const suspectAt = 2;
const maxRemembered = 20_000;

/**
 * Which messages may have killed their process. The broker counts every delivery that ended without a settlement; those that
 * this process has outlived were no death. What others have outlived only they know, so their innocents may be suspects here.
 */
export class Suspicion {
  readonly #outlived = new Map<string, number>();

  isOn(message: AmqpMessage): boolean {
    const count = deliveryCount(message);
    return count >= suspectAt && count - (this.#outlived.get(identityOf(message)) ?? 0) >= suspectAt;
  }

  /** Of a delivery that has ended without a settlement, and not with this process. */
  outlive(message: AmqpMessage): void {
    const identity = identityOf(message);
    const times = (this.#outlived.get(identity) ?? 0) + 1;
    this.#outlived.delete(identity);
    this.#outlived.set(identity, times);
    const [oldest] = this.#outlived.keys();
    if (this.#outlived.size > maxRemembered && oldest !== undefined) this.#outlived.delete(oldest);
  }
}
