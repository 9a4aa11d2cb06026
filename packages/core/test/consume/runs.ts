import type { Delivery, Handler } from '../../src/consume-types.ts';
import type { Outcome } from '../../src/outcome.ts';
import { deferred, type Deferred } from './rest.ts';

interface Run {
  readonly id: string;
  readonly delivery: Delivery;
  readonly ended: Deferred<void | Outcome>;
}

/** A handler of which every run ends when, and as, the test says; or one that the test wrote. */
export class Runs {
  /** 'id/attempt', as they began. */
  readonly started: string[] = [];
  /** Most runs at once. */
  most = 0;
  readonly handler: Handler<unknown>;
  readonly #running: Run[] = [];

  constructor(handler?: Handler<unknown>) {
    this.handler = handler ?? ((_body, delivery) => this.#run(delivery));
  }

  async #run(delivery: Delivery): Promise<void | Outcome> {
    const { id } = delivery.message;
    const run = { id, delivery, ended: deferred<void | Outcome>() };
    this.started.push(`${id}/${delivery.attempt}`);
    this.#running.push(run);
    this.most = Math.max(this.most, this.#running.length);
    try {
      return await run.ended.promise;
    } finally {
      this.#running.splice(this.#running.indexOf(run), 1);
    }
  }

  get running(): readonly string[] {
    return this.#running.map(({ id }) => id);
  }

  /** Of the oldest run of this message that goes on. */
  delivery(id: string): Delivery {
    return this.#find(id).delivery;
  }

  finish(id: string, outcome?: Outcome): void {
    this.#find(id).ended.resolve(outcome);
  }

  fail(id: string, error: unknown = new Error('failed')): void {
    this.#find(id).ended.reject(error);
  }

  #find(id: string): Run {
    const run = this.#running.find((one) => one.id === id);
    if (run === undefined) throw new Error(`'${id}' does not run; these do: ${this.running.join(', ')}`);
    return run;
  }
}
