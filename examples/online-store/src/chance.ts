/**
 * A number from 0 (inclusive) to 1 (exclusive) that depends on nothing but the seed and the name: FNV-1a over the name,
 * finished by one step of mulberry32. So chance does not depend on who comes first, and a run can be repeated.
 */
export function chance(seed: number, name: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return mulberry32(hash);
}

function mulberry32(state: number): number {
  const next = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(next ^ (next >>> 15), next | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
