import type { DriverContext } from './driver-context.ts';
import type { Keys } from './keys.ts';
import { tidy } from './scripts/members.ts';

export interface TidyingOptions {
  readonly keys: Keys;
  /** A topic without history: what every group is done with is dropped. */
  readonly isTrimmed: boolean;
  /** A member that holds nothing and was not heard of for so long is removed. */
  readonly deadAfterMs: number;
}

const minuteMs = 60_000;
const trimEveryMs = 5000;

/** Removes dead members and, of topics, handled messages. To be called with every heartbeat: works when it is time. */
export function createTidying(
  { connection, clock, abandonedGroupMs }: DriverContext,
  { keys, isTrimmed, deadAfterMs }: TidyingOptions,
): () => Promise<void> {
  const { meta, alive, group, streams } = keys;
  const args = [group, deadAfterMs, isTrimmed ? '1' : '0', abandonedGroupMs];
  let nextAt = 0;
  return async () => {
    if (clock.now() < nextAt) return;
    nextAt = clock.now() + (isTrimmed ? trimEveryMs : minuteMs);
    await Promise.all(streams.map((stream) => connection.run(tidy, [meta, alive, stream], args)));
  };
}
