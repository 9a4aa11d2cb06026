import type { Timer } from '../../src/clock.ts';
import { VirtualClock } from '../middleware/virtual-clock.ts';
import { settle } from './rest.ts';

/** A virtual clock on which a process can be frozen: time passes, and no timer fires meanwhile. */
export class ScriptedClock extends VirtualClock {
  /** Timers that were set so far. */
  set = 0;
  #frozenMs = 0;

  override setTimeout(callback: () => void, delayMs: number): Timer {
    this.set += 1;
    return super.setTimeout(callback, delayMs);
  }

  override now(): number {
    return super.now() + this.#frozenMs;
  }

  protected override settle(): Promise<void> {
    return settle();
  }

  freeze(ms: number): void {
    this.#frozenMs += ms;
  }
}
