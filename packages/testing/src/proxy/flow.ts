import type { Socket } from 'node:net';
import type { Cut, Verdict } from './rules.ts';

/** What the flow asks about each piece of what passes. */
export interface FlowControl {
  readonly stalled: boolean;
  /** How long the next piece takes, in milliseconds. */
  delayMs(): number;
  inspect(chunk: Buffer): Verdict;
  cut(cut: Cut): void;
}

const mostBytesWaiting = 1024 * 1024;

/** Carries what one socket receives to another, in order, and no faster than that one takes it. */
export class Flow {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #control: FlowControl;
  readonly #waiting: { readonly chunk: Buffer; readonly due: number }[] = [];
  #bytesWaiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #full = false;
  #closed = false;

  constructor(source: Socket, sink: Socket, control: FlowControl) {
    this.#source = source;
    this.#sink = sink;
    this.#control = control;
    source.on('data', (chunk) => this.#take(chunk));
    source.on('end', () => {
      this.#ended = true;
      this.pump();
    });
    sink.on('drain', () => {
      this.#full = false;
      this.pump();
    });
  }

  /** Goes on with what waits; called again whenever what the control says has changed. */
  pump(): void {
    clearTimeout(this.#timer);
    while (this.#mayForward()) {
      const next = this.#waiting[0];
      if (next === undefined) break;
      const waitMs = next.due - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), Math.ceil(waitMs));
        break;
      }
      this.#waiting.shift();
      this.#bytesWaiting -= next.chunk.length;
      this.#forward(next.chunk);
    }
    this.#throttle();
    if (this.#ended && this.#waiting.length === 0 && this.#mayForward()) this.#sink.end();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #take(chunk: Buffer): void {
    const soonest = this.#waiting.at(-1)?.due ?? 0;
    this.#waiting.push({ chunk, due: Math.max(soonest, performance.now() + this.#control.delayMs()) });
    this.#bytesWaiting += chunk.length;
    this.pump();
  }

  #forward(chunk: Buffer): void {
    const { forward, cut } = this.#control.inspect(chunk);
    if (cut === undefined) {
      this.#full = !this.#sink.write(forward);
      return;
    }
    this.close();
    if (forward.length === 0) this.#control.cut(cut);
    else this.#sink.write(forward, () => this.#control.cut(cut));
  }

  #mayForward(): boolean {
    return !this.#closed && !this.#full && !this.#control.stalled;
  }

  #throttle(): void {
    if (this.#closed) return;
    if (this.#full || this.#control.stalled || this.#bytesWaiting > mostBytesWaiting) this.#source.pause();
    else if (this.#source.isPaused()) this.#source.resume();
  }
}
