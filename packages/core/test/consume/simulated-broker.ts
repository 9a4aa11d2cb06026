import type { FailureRecord, Received, Token } from '../../src/message.ts';
import type { HeldMessage, ReceiveOptions, Settlement, SettleResult } from '../../src/driver-interface.ts';
import { failed, lost, ok, received, ScriptedError, type ScriptedDriver } from './scripted-driver.ts';

type Place = 'waiting' | 'in hand' | 'done' | 'dead';
interface Entry {
  readonly id: string;
  readonly key: string;
  readonly partition: number;
  place: Place;
  token: Token | undefined;
  attempt: number;
  failure: FailureRecord | undefined;
  heldUntil: number | undefined;
  delivered: boolean;
  /** By the broker's clock; of what is in hand. */
  leaseUntil: number;
}

export interface Faults {
  /** 0 to 1: how often a settlement, or one item of it, fails or is lost. */
  readonly settle: number;
}

interface Leases {
  readonly clock: { now(): number };
  readonly leaseMs: number;
}

/** An ordered broker with one reader, which keeps what the driver interface promises while everything else goes wrong. */
export class SimulatedBroker {
  readonly entries: Entry[] = [];
  faults: Faults = { settle: 0 };
  readonly #driver: ScriptedDriver;
  readonly #random: () => number;
  readonly #leases: Leases;
  readonly #byToken = new Map<Token, Entry>();
  readonly #answers = new Map<Token, SettleResult>();

  constructor(driver: ScriptedDriver, random: () => number, leases: Leases) {
    this.#driver = driver;
    this.#random = random;
    this.#leases = leases;
    driver.onExtend = (tokens) => this.#extend(tokens);
    driver.onReceive = (options) => this.#receive(options);
    driver.onSettle = (items) => this.#settle(items);
    driver.onRecordHeld = async (held) => this.#record(held);
  }

  get left(): number {
    return this.entries.filter(({ place }) => place === 'waiting' || place === 'in hand').length;
  }

  send(id: string, key: string, partition: number): void {
    const rest = {
      token: undefined,
      attempt: 1,
      failure: undefined,
      heldUntil: undefined,
      delivered: false,
      leaseUntil: 0,
    };
    this.entries.push({ id, key, partition, place: 'waiting', ...rest });
    this.#driver.endPoll();
  }

  /** A partition is taken away: everything of it goes back, and the receiver is told. */
  losePartition(partition: number): void {
    this.#lose(this.entries.filter((entry) => entry.place === 'in hand' && entry.partition === partition));
  }

  /** One message and what follows it of its key. */
  loseTail(id: string): void {
    const first = this.entries.findIndex((entry) => entry.id === id);
    const key = this.entries[first]?.key;
    this.#lose(this.entries.slice(first).filter((entry) => entry.place === 'in hand' && entry.key === key));
  }

  revoke(partition: number): void {
    const tokens = this.#tokens(
      this.entries.filter((entry) => entry.place === 'in hand' && entry.partition === partition),
    );
    this.#driver.receiver?.options.onRevoking?.(tokens);
  }

  #lose(entries: readonly Entry[]): void {
    const tokens = this.#tokens(entries);
    for (const entry of entries) this.#back(entry, lost);
    this.#driver.receiver?.options.onLost(tokens, 'revoked');
    this.#driver.endPoll();
  }

  #tokens(entries: readonly Entry[]): Token[] {
    return entries.flatMap(({ token }) => token ?? []);
  }

  #back(entry: Entry, answer: SettleResult): void {
    if (entry.token !== undefined) this.#answers.set(entry.token, answer);
    entry.token = undefined;
    entry.place = 'waiting';
  }

  #receive({ maxMessages, pausedPartitions }: ReceiveOptions): Promise<readonly Received[]> | undefined {
    if (this.#random() < this.faults.settle / 4) return Promise.reject(new ScriptedError('cut'));
    this.#expire();
    const waiting = this.entries.filter(
      ({ place, partition }) => place === 'waiting' && pausedPartitions?.has(partition) !== true,
    );
    const batch = waiting.slice(0, maxMessages).map((entry) => this.#hand(entry));
    return batch.length === 0 ? undefined : Promise.resolve(batch);
  }

  #hand(entry: Entry): Received {
    const { id, key, partition, attempt, failure, heldUntil, delivered: redelivered } = entry;
    const message = received(id, { key, partition, attempt, redelivered, failure, heldUntil });
    const leaseUntil = this.#leases.clock.now() + this.#leases.leaseMs;
    Object.assign(entry, { place: 'in hand', token: message.token, delivered: true, leaseUntil });
    this.#byToken.set(message.token, entry);
    return message;
  }

  /** Nobody is told of a lease that has run out, and nothing else goes with it. */
  #expire(): void {
    const now = this.#leases.clock.now();
    for (const entry of this.entries) {
      if (entry.place === 'in hand' && entry.leaseUntil <= now) this.#back(entry, lost);
    }
  }

  #extend(tokens: readonly Token[]): void {
    const { clock, leaseMs } = this.#leases;
    for (const token of tokens) {
      const entry = this.#byToken.get(token);
      if (entry?.token === token) entry.leaseUntil = clock.now() + leaseMs;
    }
  }

  async #settle(items: readonly Settlement[]): Promise<readonly SettleResult[]> {
    await Promise.resolve();
    if (this.#random() < this.faults.settle) throw new ScriptedError('cut');
    const results = items.map((item) => (this.#random() < this.faults.settle ? failed : this.#settleOne(item)));
    // The confirmation itself may be lost.
    if (this.#random() < this.faults.settle) throw new ScriptedError('cut');
    return results;
  }

  #settleOne({ token, outcome }: Settlement): SettleResult {
    const answered = this.#answers.get(token);
    if (answered !== undefined) return answered;
    const entry = this.#byToken.get(token);
    if (entry === undefined || entry.token !== token) return lost;
    if (outcome.kind === 'release') this.#back(entry, ok);
    else Object.assign(entry, { place: outcome.kind === 'deadLetter' ? 'dead' : 'done', token: undefined });
    this.#answers.set(token, ok);
    return ok;
  }

  #record(held: readonly HeldMessage[]): void {
    for (const { token, attempt, heldUntil, failure } of held) {
      const entry = this.#byToken.get(token);
      if (entry?.token === token) Object.assign(entry, { attempt, heldUntil, failure });
    }
  }
}
