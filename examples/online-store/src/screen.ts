import { count, wrap } from './format.ts';

export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}
export interface Progress {
  readonly done: number;
  readonly total: number;
}
export interface ScreenOptions {
  readonly out: Output;
  /** Tells nothing and draws nothing, for `--json`. */
  readonly silent: boolean;
  readonly progress: () => Progress;
  /** Milliseconds since whenever; the process's own by default. */
  readonly now?: () => number;
}

const width = 80;
const clearLine = '\r\u001b[2K';
const redrawMs = 80;

/** The story in lines, each with its time; below it a progress bar, where somebody can see it move. */
export class Screen {
  readonly #options: ScreenOptions;
  readonly #now: () => number;
  readonly #start: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ScreenOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#start = this.#now();
  }

  get seconds(): number {
    return (this.#now() - this.#start) / 1000;
  }

  startBar(): void {
    const { out, silent } = this.#options;
    if (silent || out.isTTY !== true) return;
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), redrawMs);
  }

  stopBar(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#options.out.write(clearLine);
  }

  tell(text: string, details: readonly string[] = []): void {
    const { out, silent } = this.#options;
    if (silent) return;
    const time = `${this.seconds.toFixed(1).padStart(5)} s  `;
    const lines = [...wrap(text, width - time.length), ...details].join(`\n${' '.repeat(time.length)}`);
    if (this.#timer !== undefined) out.write(clearLine);
    out.write(`${time}${lines}\n`);
    if (this.#timer !== undefined) this.#draw();
  }

  #draw(): void {
    this.#options.out.write(clearLine + bar(this.#options.progress()));
  }
}

/** [##########..........]  50%  13,838 of 27,676 */
export function bar({ done, total }: Progress): string {
  const share = total === 0 ? 1 : done / total;
  const filled = Math.floor(share * 40);
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  return `[${'#'.repeat(filled)}${'.'.repeat(40 - filled)}] ${percent}  ${count(done)} of ${count(total)}`;
}
