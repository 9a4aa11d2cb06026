import { randomUUID } from 'node:crypto';
import type { Link } from './client.ts';

const sealExpiresAfterMs = 60_000;

/**
 * What makes new queues outlast the broker's sudden end. Ra, its library of quorum queues, keeps the list of them in a table
 * that it writes up to a second after a change: killed before, the broker forgets all that a new queue holds, confirmed or
 * not. It writes the table at once when it looks up a name that is not among the changes, as it does for every queue that is
 * made. So after those that matter one more is made, and deleted.
 */
export class NewQueues {
  readonly #link: Link;
  readonly #namespace: string;
  #made = 0;
  #saved = 0;

  constructor(link: Link, namespace: string) {
    this.#link = link;
    this.#namespace = namespace;
  }

  /** Before a queue is declared that was not there: the answer may be lost. */
  expect(): void {
    this.#made += 1;
  }

  /** Resolves when a broker that is killed from now on keeps what was declared before. Asks nothing where nothing was made. */
  async save(): Promise<void> {
    const made = this.#made;
    if (this.#saved >= made) return;
    const seal = `${this.#namespace}__seal-${randomUUID()}`;
    const options = { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-expires': sealExpiresAfterMs } };
    await this.#link.onChannel(async (channel) => {
      await channel.assertQueue(seal, options);
      this.#saved = Math.max(this.#saved, made);
      await channel.deleteQueue(seal).catch(this.#link.tell('deleting a queue that is not needed any more'));
    });
  }
}
