import type { Clock } from '../clock.ts';
import type { Destination } from '../destination.ts';
import type { Driver, PlannedGroup, ProvisionMode, ProvisionResult } from '../driver-interface.ts';
import { AnymqError, type SendUncertainty } from '../errors.ts';
import { within } from '../within.ts';
import { wrapLater, type WrappedError } from '../wrap-later.ts';
import { planOf } from './check-destination.ts';
import type { Telemetry } from './telemetry.ts';

const callTimeoutMs = 30_000;

/** One connected driver of a client, and what has been provisioned on it. */
export class Broker {
  readonly name: string;
  readonly driver: Driver;
  readonly #mode: ProvisionMode;
  readonly #telemetry: Telemetry;
  /** By name and group: those that need no look before their first use. */
  readonly ready: Map<string, Promise<void>> = new Map();
  readonly #clock: Clock;

  constructor(name: string, driver: Driver, mode: ProvisionMode, telemetry: Telemetry, clock: Clock) {
    this.name = name;
    this.driver = driver;
    this.#mode = mode;
    this.#telemetry = telemetry;
    this.#clock = clock;
  }

  /** `outcome` is what is known of a message, where the driver does not say. Never rejects. */
  wrap(error: unknown, outcome?: SendUncertainty): Promise<WrappedError> {
    return wrapLater(this.driver, error, outcome);
  }

  /** A driver's call that is no send or receive: bounded, and with its error as the user sees it. @throws TIMEOUT after 30 s */
  async call<T>(work: () => Promise<T>): Promise<T> {
    try {
      const answer = work().then((value) => ({ value }));
      const result = await within(this.#clock, callTimeoutMs, answer);
      if (result !== undefined) return result.value;
    } catch (error) {
      throw (await this.wrap(error)).error;
    }
    const text = `The broker '${this.name}' did not answer in time. Check its address, and that it runs.`;
    throw new AnymqError('TIMEOUT', text, { driver: this.driver.name });
  }

  /** Makes or checks a destination, and a group, before its first use; once. @throws TOPOLOGY_MISMATCH, and what the driver throws */
  ensure(destination: Destination, physical: string | undefined, group?: PlannedGroup): Promise<void> {
    if (this.#mode === 'assume') return Promise.resolve();
    const key = `${destination.name}/${group?.name ?? ''}`;
    const known = this.ready.get(key);
    if (known !== undefined) return known;
    const ready = this.#ensure(destination, physical, group);
    this.ready.set(key, ready);
    ready.catch(() => this.ready.delete(key));
    return ready;
  }

  /** What was deleted under way is made again. Never rejects. */
  restore(destination: Destination, physical: string | undefined, group?: PlannedGroup): Promise<void> {
    // Where it cannot be loaded, the next use tells why the destination is not there.
    return import('./restore.ts')
      .then(({ restore }) => restore(this, destination, physical, group))
      .catch(() => undefined);
  }

  async provision(
    destination: Destination,
    physical: string | undefined,
    mode: ProvisionMode,
    group?: PlannedGroup,
  ): Promise<ProvisionResult> {
    const plan = { destinations: [planOf(destination, physical, group)] };
    const result = await this.call(() => this.driver.provision(plan, mode));
    if (result.created.length > 0) this.#telemetry.emit({ type: 'provisioned', created: result.created });
    return result;
  }

  async #ensure(
    destination: Destination,
    physical: string | undefined,
    group: PlannedGroup | undefined,
  ): Promise<void> {
    const { differences } = await this.provision(destination, physical, this.#mode, group);
    if (differences.length === 0) return;
    throw new AnymqError(
      'TOPOLOGY_MISMATCH',
      `${this.driver.name}: '${destination.name}' is not as defined. ${differences.join(' ')}`,
      { driver: this.driver.name },
    );
  }
}
