import { ordersOf } from '../payload.ts';
import type { Contender } from './contender.ts';

/** Bytes by which the entries may differ: names that each side makes for itself. */
const slack = 16;

/**
 * The raw client has to store what the product stores: the same names, and as many bytes. A comparison with one that
 * writes less would be worth nothing.
 *
 * @throws Error when it does not
 */
export async function requireSameWork(url: string, contenders: readonly Contender[]): Promise<void> {
  const ours = contenders.find(({ role }) => role === 'ours');
  const raw = contenders.find(({ role }) => role === 'raw');
  if (ours === undefined || raw === undefined) return;
  const [stored, storedRaw] = [await storedBy(url, ours), await storedBy(url, raw)];
  if (stored === undefined || storedRaw === undefined) return;
  const names = (entry: Entry): string => Object.keys(entry).toSorted().join(', ');
  if (names(stored) !== names(storedRaw)) {
    throw new Error(`${raw.name} stores other fields than ${ours.name}: ${names(storedRaw)}; ${names(stored)}`);
  }
  if (Math.abs(bytesOf(stored) - bytesOf(storedRaw)) > slack) {
    throw new Error(`${raw.name} stores ${bytesOf(storedRaw)} bytes, ${ours.name} ${bytesOf(stored)}.`);
  }
}

type Entry = Readonly<Record<string, string>>;

async function storedBy(url: string, contender: Contender): Promise<Entry | undefined> {
  const session = await contender.open(url);
  try {
    await session.sends.sendMany?.(ordersOf(1));
    return await session.stored?.();
  } finally {
    await session.close();
  }
}

function bytesOf(entry: Entry): number {
  return Object.entries(entry).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
}
