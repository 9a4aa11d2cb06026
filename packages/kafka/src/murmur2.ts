const multiplier = 0x5b_d1_e9_95;
const seed = 0x97_47_b2_8c;

/** The partition that Kafka's own clients choose for a key: murmur2 (32 bits), its sign dropped, modulo the partitions. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7f_ff_ff_ff) % partitions;
}

function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  let hash = seed ^ length;
  const whole = length - (length % 4);
  for (let index = 0; index < whole; index += 4) {
    let word = Math.imul(view.getInt32(index, true), multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  if (length % 4 === 3) hash ^= (bytes[whole + 2] ?? 0) << 16;
  if (length % 4 >= 2) hash ^= (bytes[whole + 1] ?? 0) << 8;
  if (length % 4 >= 1) hash = Math.imul(hash ^ (bytes[whole] ?? 0), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}
