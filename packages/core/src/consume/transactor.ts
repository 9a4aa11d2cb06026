import type { Handler } from '../consume-types.ts';
import type { Destination } from '../destination.ts';
import type { Address, Receiver } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';
import type { OutgoingMessage } from '../message.ts';
import { outcomeKind, retryLater } from '../outcome.ts';
import type { SendOptions } from '../send-types.ts';
import type { DeliveryView } from './delivery-view.ts';
import type { Job } from './job.ts';

interface Send {
  readonly to: Address;
  readonly message: OutgoingMessage | Promise<OutgoingMessage>;
}

export interface TransactorContext {
  readonly receiver: Receiver;
  /** @throws what a send of it would reject with, before anything is sent. */
  prepare(to: Destination, body: unknown, options: SendOptions | undefined): Send;
  wrap(error: unknown): AnymqError;
}

const putBackMs = 1000;

/** Commits what a handler sent together with the acknowledgement of its message. */
export class Transactor {
  readonly #context: TransactorContext;
  readonly #committed = new WeakSet<Job>();

  constructor(context: TransactorContext) {
    this.#context = context;
  }

  /** True once for a job whose acknowledgement was committed. */
  committed(job: Job): boolean {
    return this.#committed.delete(job);
  }

  async run(job: Job, body: unknown, delivery: DeliveryView, handler: Handler<unknown>): Promise<unknown> {
    const collected = this.#collect(delivery);
    let value: unknown;
    try {
      value = await handler(body, delivery);
    } finally {
      collected.close();
    }
    if (outcomeKind(value) !== undefined) return value;
    // Someone else may commit the same message.
    if (delivery.aborted !== undefined) throw delivery.aborted;
    return this.#commitOrPutBack(job, collected.sends);
  }

  /** A broker in passing trouble is not the message's fault: it comes again, uncharged. */
  async #commitOrPutBack(job: Job, sends: readonly Send[]): Promise<unknown> {
    try {
      await this.#commit(job, sends);
      return undefined;
    } catch (error) {
      if (AnymqError.isInstance(error) && error.retryable) return retryLater(putBackMs, { charge: false });
      throw error;
    }
  }

  #collect(delivery: DeliveryView): { readonly sends: readonly Send[]; close(): void } {
    const sends: Send[] = [];
    let isOpen = true;
    delivery.send = (to, body, options) => {
      if (!isOpen) throw new AnymqError('CLOSED', 'The handler has returned: send before it does.');
      const send = this.#context.prepare(to, body, options);
      // Awaited as the transaction is committed, which it fails. Where there is none, nothing is sent and nobody has to know.
      if (send.message instanceof Promise) send.message.catch(() => undefined);
      sends.push(send);
    };
    return { sends, close: () => (isOpen = false) };
  }

  async #commit(job: Job, sends: readonly Send[]): Promise<void> {
    const messages = await Promise.all(sends.map(async ({ to, message }) => ({ to, message: await message })));
    const transaction = await this.#wrapped(
      () => this.#context.receiver.beginTransaction?.([job.token]) ?? Promise.reject(new Error('no transactions')),
    );
    try {
      for (const { to, message } of messages) await transaction.send(to, [message]);
      await transaction.commit();
    } catch (error) {
      // One that cannot even be aborted ends by its time-out. The caller is told of what went wrong first.
      await transaction.abort().catch(() => undefined);
      throw this.#context.wrap(error);
    }
    this.#committed.add(job);
  }

  async #wrapped<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw this.#context.wrap(error);
    }
  }
}
