/**
 * Loads every part that is otherwise loaded when it is first needed. For tests on a virtual clock: time must not stand still
 * because a file is being read.
 */
export async function loadParts(): Promise<void> {
  await Promise.all([
    import('./client/admin.ts'),
    import('./client/create-telemetry.ts'),
    import('./client/restore.ts'),
    import('./client/transactions.ts'),
    import('./consume/acknowledge-first.ts'),
    import('./consume/batch-runner.ts'),
    import('./consume/isolation.ts'),
    import('./consume/lanes.ts'),
    import('./consume/outcomes.ts'),
    import('./dead-letters/operations.ts'),
    import('./produce/extras.ts'),
    import('./wrap-error.ts'),
  ]);
}
