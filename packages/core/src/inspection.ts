/** A number that a broker may know exactly, roughly, or not at all (null). */
export interface Count {
  readonly value: number | null;
  readonly exact: boolean;
}

export interface Inspection {
  /** Waiting for the group, not counting the delayed. */
  readonly backlog: Count;
  readonly inFlight: Count;
  readonly delayed: Count;
  readonly deadLetters: Count;
  /** Age of the oldest waiting message; null where the broker cannot say, or nothing waits. */
  readonly oldestAgeMs: number | null;
  /** Partitions of which this client fetches no more for now, because `maxHeld` of their messages wait in lanes. */
  readonly waitingPartitions?: readonly number[];
}
