/** A table for each namespace. */
export function tableOf(namespace: string): string {
  return `once_${namespace.replaceAll('-', '_')}`;
}
