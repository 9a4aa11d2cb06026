import type { Broker } from './broker.ts';
import { MemoryBrokerError } from './errors.ts';
import type { DeliveryToken } from './stored-message.ts';
import type { Subscription } from './subscription.ts';

export interface Times {
  /** How many calls: 1 by default. Adds to what was asked for before. */
  readonly times?: number;
}

/** What goes wrong on purpose: for tests of what an application does then. Applies to every driver of the broker. */
export interface Faults {
  /** The next batches are stored, but their confirmation is lost: `send` ends as TIMEOUT, outcome 'unknown', and core sends again with the same ids. */
  dropConfirmation(options?: Times): void;
  /** The next batches are refused and not stored: NOT_CONNECTED, outcome 'not-sent', and core sends again. */
  failSend(options?: Times): void;
  /** The next settlements fail as a whole (NOT_CONNECTED) and change nothing; core settles again. */
  failSettle(options?: Times): void;
  /** Ends the leases of the message now, as if its holder had been silent for `leaseMs`. Returns how many deliveries that were. */
  expireLease(id: string): number;
  /** Delivers the message a second time while its first delivery goes on, as any broker may. Returns how many deliveries were doubled. */
  redeliver(id: string): number;
  /** Cuts all connections: pending calls reject, deliveries go back (`onLost`, 'disconnected'). Drivers work again at once. */
  disconnect(): void;
  /** The broker stops and starts: as `disconnect`, a pause ends, and leases and faults that were asked for are gone. Messages, delays, dead letters and crash counts stay. */
  restart(): void;
  /** From now on every call hangs until `resume`, or until its signal aborts; nothing is handed out. Time goes on. */
  pause(): void;
  resume(): void;
}

/** What the sender and the receiver ask before they act. */
export interface FaultPlan {
  takeDroppedConfirmation(): MemoryBrokerError | undefined;
  takeFailedSend(): MemoryBrokerError | undefined;
  takeFailedSettle(): MemoryBrokerError | undefined;
}

class Countdown {
  #left = 0;

  add({ times = 1 }: Times = {}): void {
    this.#left += times;
  }

  clear(): void {
    this.#left = 0;
  }

  take(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}

export function createFaults(broker: Broker): { readonly faults: Faults; readonly plan: FaultPlan } {
  const confirmations = new Countdown();
  const sends = new Countdown();
  const settles = new Countdown();
  const countdowns = [confirmations, sends, settles];
  return {
    faults: {
      dropConfirmation: (options) => confirmations.add(options),
      failSend: (options) => sends.add(options),
      failSettle: (options) => settles.add(options),
      ...createBrokerFaults(broker, () => countdowns.forEach((countdown) => countdown.clear())),
    },
    plan: {
      takeDroppedConfirmation: () =>
        confirmations.take()
          ? new MemoryBrokerError('NO_CONFIRMATION', 'The confirmation did not arrive in time (fault injected).')
          : undefined,
      takeFailedSend: () => (sends.take() ? unavailable() : undefined),
      takeFailedSettle: () => (settles.take() ? unavailable() : undefined),
    },
  };
}

function unavailable(): MemoryBrokerError {
  return new MemoryBrokerError('UNAVAILABLE', 'The broker is not available (fault injected).');
}

type BrokerFaults = Omit<Faults, 'dropConfirmation' | 'failSend' | 'failSettle'>;

function createBrokerFaults(broker: Broker, forget: () => void): BrokerFaults {
  const disconnect = (): void => {
    const connections = [...broker.connections];
    const error = new MemoryBrokerError('CONNECTION_LOST', 'The connection was cut (fault injected).');
    for (const connection of connections) connection.failCalls(error);
    for (const connection of connections) connection.disconnect();
  };
  const resume = (): void => {
    broker.runtime.isPaused = false;
    for (const connection of broker.connections) connection.resume();
    for (const group of broker.groups()) group.wake(broker.clock.now());
  };
  return {
    expireLease: (id) => expireLease(broker, id),
    redeliver: (id) => redeliver(broker, id),
    disconnect,
    restart() {
      forget();
      disconnect();
      resume();
    },
    pause() {
      broker.runtime.isPaused = true;
    },
    resume,
  };
}

function expireLease(broker: Broker, id: string): number {
  let count = 0;
  for (const member of members(broker)) {
    const tokens = tokensOf(member.hand, id);
    if (tokens.length > 0) member.expireTokens(tokens);
    count += tokens.length;
  }
  return count;
}

function redeliver(broker: Broker, id: string): number {
  const tokens = members(broker).flatMap((member) => tokensOf(member.hand, id));
  for (const { entry, holder } of tokens) holder.group.duplicate(entry);
  for (const { holder } of tokens) holder.group.wake(broker.clock.now());
  return tokens.length;
}

function members(broker: Broker): Subscription[] {
  const found: Subscription[] = [];
  for (const group of broker.groups()) found.push(...group.members);
  return found;
}

function tokensOf(hand: Iterable<DeliveryToken>, id: string): DeliveryToken[] {
  return [...hand].filter((token) => token.entry.message.id === id);
}
