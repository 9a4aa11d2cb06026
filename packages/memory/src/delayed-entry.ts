import type { Group } from './group.ts';
import { Due } from './schedule.ts';
import type { Entry } from './stored-message.ts';

/** An entry that is out of the way until its time. */
export class DelayedEntry extends Due {
  readonly entry: Entry;
  readonly group: Group;

  constructor(atMs: number, entry: Entry, group: Group) {
    super(atMs);
    this.entry = entry;
    this.group = group;
  }

  override run(nowMs: number): void {
    this.group.becomeDue(this.entry, nowMs);
  }
}
