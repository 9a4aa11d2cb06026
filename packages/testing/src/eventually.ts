/**
 * For what only the broker's own state can tell: asks again, after short and growing waits, until `probe` returns something
 * other than undefined. Rejects after `withinMs` with what `problem` says, or with the probe's last error.
 */
export async function eventually<T>(
  probe: () => Promise<T | undefined>,
  withinMs: number,
  problem: () => string,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (let waitMs = 1; ; waitMs = Math.min(200, waitMs * 2)) {
    const last = Date.now() >= deadline;
    const found = await probe().catch((error: unknown) => {
      if (last) throw error;
      return undefined;
    });
    if (found !== undefined) return found;
    if (last) throw new Error(`Within ${withinMs} ms: ${problem()}`);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** Rejects when the work takes longer; the work itself goes on. */
export async function bounded<T>(what: string, work: Promise<T>, withinMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${withinMs} ms.`)), withinMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
