/** Calls handlers: one kind for single messages, one for batches. */
export interface Runner {
  /** Starts what may start. */
  pump(): void;
  /** Leaves no timer; what runs goes on. */
  stop(): void;
}
