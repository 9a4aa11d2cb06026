import { type Logger, type Settlement, type SettleResult, takeFitting } from '@anymq/core/driver';
import type { Delivery } from './delivery.ts';
import type { Place } from './driver-context.ts';
import type { Leases } from './leases.ts';
import type { Settler } from './settlement.ts';

export interface StockOptions {
  readonly place: Place;
  readonly leases: Leases;
  readonly settler: Settler;
  readonly logger: Logger;
}

/** What one receiver has received and not handed out, in order; and its way back. */
export class Stock {
  readonly #options: StockOptions;
  readonly #returning = new Set<Promise<void>>();
  #kept: Delivery[] = [];

  constructor(options: StockOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#kept.length === 0;
  }

  add(deliveries: readonly Delivery[]): void {
    this.#kept.push(...deliveries.filter(({ result }) => result === undefined));
  }

  take(maxMessages: number, maxBytes: number): readonly Delivery[] {
    const { leases } = this.#options;
    leases.loseExpired(this.#kept);
    this.#kept = this.#kept.filter(({ result }) => result === undefined);
    const taken = takeFitting(this.#kept, maxMessages, maxBytes);
    for (const delivery of taken) leases.handOut(delivery);
    return taken;
  }

  /** With what goes back goes what follows it here: handed out now, it would be ahead of it. */
  async settle(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    const { settler } = this.#options;
    const followers = this.#takeFollowers(items);
    if (followers.length === 0) return settler.settle(items);
    const results = await settler.settle([...items, ...followers.map(givenBack)]);
    this.#leave(followers, results.slice(items.length));
    return results.slice(0, items.length);
  }

  /** All that is here. */
  empty(): void {
    void this.giveBack(this.#kept.splice(0));
  }

  /** Never rejects: what cannot be given back waits for the end of its lease. */
  giveBack(deliveries: readonly Delivery[]): Promise<void> {
    const returning = this.#return(deliveries).finally(() => this.#returning.delete(returning));
    this.#returning.add(returning);
    return returning;
  }

  /** Nothing is on its way back. */
  async returned(): Promise<void> {
    await Promise.all(this.#returning);
  }

  #takeFollowers(items: readonly Settlement[]): readonly Delivery[] {
    const { place, leases } = this.#options;
    if (!place.isFifo || this.#kept.length === 0) return [];
    const groups = new Set(
      items.flatMap(({ token, outcome }) => (outcome.kind === 'release' && leases.has(token) ? [token.group] : [])),
    );
    const followers = this.#kept.filter(({ group }) => groups.has(group));
    this.#kept = this.#kept.filter(({ group }) => !groups.has(group));
    return followers;
  }

  async #return(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    this.#leave(deliveries, await this.#options.settler.settle(deliveries.map(givenBack)));
  }

  #leave(deliveries: readonly Delivery[], results: readonly SettleResult[]): void {
    const left = results.filter((result) => !result.ok && result.reason === 'error').length;
    if (left === 0) return;
    const { leases, logger, place } = this.#options;
    for (const delivery of deliveries) leases.drop(delivery);
    logger.debug('Messages could not be given back. They wait for the end of their lease.', {
      queue: place.name,
      messages: left,
    });
  }
}

function givenBack(token: Delivery): Settlement {
  return { token, outcome: { kind: 'release', delayMs: 0 } };
}
