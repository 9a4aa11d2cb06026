/** A copy that lacks these. */
export function without<T extends object, K extends keyof T>(object: T, ...names: readonly K[]): Omit<T, K> {
  const copy: Partial<T> = { ...object };
  for (const name of names) delete copy[name];
  return copy as Omit<T, K>;
}

/** What was looked at before. */
export function there<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('It was there a moment ago.');
  return value;
}
