const encoder = new TextEncoder();
const offsetBasis = 0x81_1c_9d_c5;
const prime = 0x01_00_01_93;

/**
 * The partition of an ordering key: FNV-1a (32 bits) of its UTF-8 bytes, modulo `partitions`. The same in every process
 * and on every broker whose partitions are the library's own; part of the wire format, so it never changes.
 */
export function partitionOf(key: string, partitions: number): number {
  return hashKey(key) % partitions;
}

function hashKey(key: string): number {
  let hash = offsetBasis;
  for (let index = 0; index < key.length; index += 1) {
    const unit = key.charCodeAt(index);
    if (unit > 0x7f) return hashBytes(encoder.encode(key));
    hash = Math.imul(hash ^ unit, prime);
  }
  return hash >>> 0;
}

function hashBytes(bytes: Uint8Array): number {
  let hash = offsetBasis;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, prime);
  return hash >>> 0;
}
