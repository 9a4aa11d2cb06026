/** Rejects when the work has not ended within so long; it is then left alone, as nothing can end it. */
export async function within<Result>(limitMs: number, what: string, work: () => Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error(`${what} did not end within ${limitMs / 1000} s.`));
  }, limitMs);
  try {
    return await Promise.race([work(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
