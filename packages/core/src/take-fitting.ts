/** As many from the front as `receive` may return, and at least one where there is one; the rest stays in `from`. */
export function takeFitting<T extends { readonly bytes: number }>(
  from: T[],
  maxMessages: number,
  maxBytes: number,
): T[] {
  let bytes = 0;
  let count = 0;
  for (const one of from) {
    bytes += one.bytes;
    if (count >= maxMessages || (count > 0 && bytes > maxBytes)) break;
    count += 1;
  }
  return from.splice(0, count);
}
