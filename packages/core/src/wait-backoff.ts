/** The pause before call number `failures` + 1 to a broker that is in trouble: 50 ms doubling to 2 s, half of it random. */
export function waitBackoff(failures: number, random: () => number, wishMs = 0): number {
  const fullMs = Math.min(2000, 50 * 2 ** Math.min(failures - 1, 10));
  return Math.max(wishMs, fullMs * (0.5 + random() / 2));
}
