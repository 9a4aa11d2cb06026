import type { ClientEvent, Delivery } from '@anymq/core';

/** One run of a handler, as the suite saw it. `start` and `end` are places in one sequence of all that happened in the case. */
export interface Run {
  readonly member: string;
  readonly id: string;
  readonly key: string | undefined;
  readonly body: unknown;
  readonly attempt: number;
  readonly delivery: Delivery;
  readonly startedAt: number;
  readonly start: number;
  /** Infinity while it runs, and for ever when its process died meanwhile. */
  end: number;
  endedAt: number | undefined;
  /** 'died': the process was killed while it ran. */
  result: 'running' | 'returned' | 'threw' | 'died';
}

export interface LoggedEvent {
  readonly member: string;
  readonly at: number;
  readonly event: ClientEvent;
}

interface Watcher {
  readonly predicate: () => boolean;
  readonly resolve: () => void;
}

/** What happened in a case. Waiting is woken by what happens, never by polling. */
export class RunLog {
  readonly runs: Run[] = [];
  readonly events: LoggedEvent[] = [];
  /** Ids of messages whose handler returned. */
  readonly handled: Set<string> = new Set();
  #sequence = 0;
  #watchers: Watcher[] = [];

  started(run: Omit<Run, 'start' | 'end' | 'endedAt' | 'result' | 'startedAt'>): Run {
    const entry: Run = {
      ...run,
      start: ++this.#sequence,
      startedAt: Date.now(),
      end: Infinity,
      endedAt: undefined,
      result: 'running',
    };
    this.runs.push(entry);
    this.wake();
    return entry;
  }

  ended(run: Run, result: Exclude<Run['result'], 'running'>): void {
    run.result = result;
    if (result !== 'died') {
      run.end = ++this.#sequence;
      run.endedAt = Date.now();
      if (result === 'returned') this.handled.add(run.id);
    }
    this.wake();
  }

  event(member: string, event: ClientEvent): void {
    this.events.push({ member, at: ++this.#sequence, event });
    this.wake();
  }

  /** A place in the sequence, to compare runs with. */
  mark(): number {
    return ++this.#sequence;
  }

  /** Looks at what is waited for: something that the log does not hold has changed. */
  wake(): void {
    const watchers = this.#watchers;
    if (watchers.length === 0) return;
    this.#watchers = watchers.filter(({ predicate }) => !predicate());
    for (const watcher of watchers) if (!this.#watchers.includes(watcher)) watcher.resolve();
  }

  /** Rejects after `withinMs` with what happened until then. */
  until(what: string, predicate: () => boolean, withinMs: number): Promise<void> {
    if (predicate()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers = this.#watchers.filter((each) => each !== watcher);
        reject(new Error(`Within ${withinMs} ms it did not happen that ${what}. Seen: ${this.summary()}`));
      }, withinMs);
      const watcher: Watcher = {
        predicate,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      this.#watchers.push(watcher);
    });
  }

  summary(): string {
    const runs = this.runs.map(({ member, id, attempt, result }) => `${member}:${id}#${attempt} ${result}`);
    const events = this.events.map(({ member, event }) => `${member}:${describe(event)}`);
    return `runs [${shorten(runs)}], events [${shorten(events)}]`;
  }
}

function describe(event: ClientEvent): string {
  if (event.type === 'consumer-state') return event.state;
  return 'id' in event ? `${event.type} ${event.id}` : event.type;
}

function shorten(items: readonly string[]): string {
  const most = 30;
  const more = items.length > most ? `, … ${items.length - most} more` : '';
  return items.slice(0, most).join(', ') + more;
}
