/** Reads Kafka's numbers, which take as many bytes as they need, and what follows a length of that kind. */
export class VarReader {
  readonly buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at: number) {
    this.buffer = buffer;
    this.at = at;
  }

  read(): number {
    const first = this.buffer[this.at] ?? 0;
    if (first >= 128) return this.#readLong();
    this.at += 1;
    return (first >>> 1) ^ -(first & 1);
  }

  /** Beyond 32 bits too. */
  #readLong(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = this.buffer[this.at++] ?? 0;
      value += (byte & 127) * unit;
      if (byte < 128) break;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  skipBytes(): void {
    const length = this.read();
    if (length > 0) this.at += length;
  }

  /** null: there are none, which is not the same as an empty value. */
  readBytes(): Buffer | null {
    const length = this.read();
    if (length < 0) return null;
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }
}
