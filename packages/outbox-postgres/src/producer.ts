import {
  AnymqError,
  type Destination,
  type Producer,
  type Receipt,
  type SendOptions,
  type SendResult,
} from '@anymq/core';
import { buildMessage, checkMessage } from '@anymq/core/driver';
import type { Queryable } from '@anymq/idempotency-postgres/database';

/** Which one it is, and so what it can do, is known to the relay alone. */
const anyBroker = {
  driver: { name: 'outbox', capabilities: { priority: true, expiry: true }, limits: { maxBodyBytes: Infinity } },
  source: '',
};

interface Row {
  readonly id: string;
  readonly key: string | null;
  readonly options: string;
  readonly body: string;
}

/** Writes into the transaction of `client` instead of sending. What cannot be written rejects, and the transaction with it. */
export class OutboxProducer<In> implements Producer<In> {
  readonly #destination: Destination<In, unknown>;
  readonly #client: Queryable;
  readonly #statement: string;

  constructor(destination: Destination<In, unknown>, client: Queryable, statement: string) {
    this.#destination = destination;
    this.#client = client;
    this.#statement = statement;
  }

  async send(body: In, options: SendOptions = {}): Promise<Receipt> {
    const row = await this.#rowOf(body, options);
    await this.#add([row]);
    return { id: row.id };
  }

  /** All or none: what is wrong with one of them rejects. */
  async sendMany(
    bodies: readonly In[],
    options: SendOptions | ((body: In, index: number) => SendOptions) = {},
  ): Promise<readonly SendResult[]> {
    const optionsOf = typeof options === 'function' ? options : () => options;
    const rows = await Promise.all(bodies.map((body, index) => this.#rowOf(body, optionsOf(body, index))));
    if (rows.length > 0) await this.#add(rows);
    return rows.map(({ id }) => ({ ok: true, receipt: { id } }));
  }

  async flush(): Promise<void> {
    // Nothing is held back.
  }

  async #rowOf(body: In, { signal: _signal, ...options }: SendOptions): Promise<Row> {
    const destination = this.#destination as Destination;
    const message = await buildMessage({ destination, ...anyBroker }, body, options, new Date(), checkMessage);
    const { id, key = null } = message;
    if (destination.ordering === 'key' && key === null)
      throw new AnymqError('INVALID_MESSAGE', `'${destination.name}' is ordered by key, and the message has none.`);
    return { id, key, options: JSON.stringify(options), body: Buffer.from(message.body).toString('base64') };
  }

  async #add(rows: readonly Row[]): Promise<void> {
    const column = (name: keyof Row): unknown[] => rows.map((row) => row[name]);
    await this.#client.query(this.#statement, [
      column('id'),
      column('key'),
      column('options'),
      column('body'),
      this.#destination.name,
    ]);
  }
}
