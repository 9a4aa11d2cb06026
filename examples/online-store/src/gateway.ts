import { setTimeout as wait } from 'node:timers/promises';
import { chance } from './chance.ts';

/** The gateway did not answer; nothing was charged. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
}

export interface Charge {
  readonly orderId: string;
  readonly cents: number;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

const failureRate = 0.05;
const longestAnswerMs = 4;

/**
 * A payment gateway, as far away as another service: it takes a while, and now and then it fails. As real ones do, it
 * takes the order's id as the key of the charge, so that a charge may be asked for twice.
 */
export class PaymentGateway {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** @throws GatewayError, for the same attempts in every run of one seed */
  async charge({ orderId, attempt, signal }: Charge): Promise<void> {
    const name = `${orderId}#${attempt}`;
    await wait(longestAnswerMs * chance(this.#seed, `time of ${name}`), undefined, { signal });
    if (chance(this.#seed, name) < failureRate) throw new GatewayError('the payment gateway did not answer');
  }
}
