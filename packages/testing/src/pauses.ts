const everyMs = 20;
const leastMs = 50;

interface Pause {
  readonly from: number;
  readonly to: number;
  /** Without the time in which this process computed. */
  readonly idleMs: number;
}

/**
 * Knows when this process was given no processor: on a loaded machine a bare timer is late then, and so is every driver. What
 * the process itself computed for does not count, as that may be the driver's fault.
 */
export class Pauses {
  readonly #pauses: Pause[] = [];
  #seenAt: number = Date.now();
  #cpu: NodeJS.CpuUsage = process.cpuUsage();
  readonly #timer: NodeJS.Timeout = setInterval(() => this.#look(), everyMs).unref();

  /** How many of the milliseconds between two times were such pauses. */
  between(from: number, to: number): number {
    this.#look();
    const parts = this.#pauses.map((pause) => {
      const overlapMs = Math.min(pause.to, to) - Math.max(pause.from, from);
      return Math.max(0, Math.min(overlapMs, pause.idleMs));
    });
    return parts.reduce((sum, part) => sum + part, 0);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const [from, to] = [this.#seenAt + everyMs, Date.now()];
    const { user, system } = process.cpuUsage(this.#cpu);
    const idleMs = to - from - (user + system) / 1000;
    if (idleMs >= leastMs) this.#pauses.push({ from, to, idleMs });
    this.#seenAt = to;
    this.#cpu = process.cpuUsage();
  }
}
