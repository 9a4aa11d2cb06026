import type { Delivery } from './delivery.ts';
import type { Marks } from './marks.ts';

/** From this receive on a message may have ended a process. The count of SQS rises with every receive, whatever became of it. */
export const suspectAt = 3;
const maxRemembered = 10_000;

/** Which messages may have killed their process, and how often they did so in runs that were marked. */
export class Suspicion {
  readonly #marks: Marks;
  /** Receives that ended well, by the message's id at SQS: what we gave back ourselves was no death. */
  readonly #cleared = new Map<string, number>();

  constructor(marks: Marks) {
    this.#marks = marks;
  }

  /** Of a message that goes back without having run. */
  clear(messageId: string): void {
    const times = (this.#cleared.get(messageId) ?? 0) + 1;
    this.#cleared.delete(messageId);
    this.#cleared.set(messageId, times);
    const [oldest] = this.#cleared.keys();
    if (this.#cleared.size > maxRemembered && oldest !== undefined) this.#cleared.delete(oldest);
  }

  async look(deliveries: readonly Delivery[]): Promise<void> {
    const suspects = deliveries.filter(
      ({ messageId, receives }) => receives - (this.#cleared.get(messageId) ?? 0) >= suspectAt,
    );
    if (suspects.length === 0) return;
    const marks = await this.#marks.read();
    for (const { received, messageId } of suspects) {
      if (received === undefined) continue;
      received.suspect = true;
      received.crashCount = marks.get(messageId) ?? 0;
    }
  }
}
