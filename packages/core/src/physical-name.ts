/** `namespace_destination_group_kind`: no part holds '_', so that no two destinations meet. */
export function physicalName(
  namespace: string,
  address: { readonly name: string; readonly group?: string | undefined; readonly physical?: string | undefined },
  kind?: string,
): string {
  const destination = address.physical ?? `${namespace}_${address.name}`;
  const parts = [destination, address.group, kind].filter((part) => part !== undefined);
  return parts.join('_');
}
