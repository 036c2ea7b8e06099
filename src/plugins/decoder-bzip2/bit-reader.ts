/** Reads bits, most significant first, from bytes that are appended as they arrive. */
export class BitReader {
  private buffer = new Uint8Array(0);
  private position = 0;
  private held = 0;
  private bits = 0;

  /** Whole bytes that are left. */
  get available(): number {
    return this.buffer.length - this.position;
  }

  append(bytes: Uint8Array): void {
    const rest = this.buffer.subarray(this.position);
    const joined = new Uint8Array(rest.length + bytes.length);
    joined.set(rest);
    joined.set(bytes, rest.length);
    this.buffer = joined;
    this.position = 0;
  }

  /** The next `count` bits, at most 24. Throws EndOfBits when they are not there. */
  read(count: number): number {
    while (this.bits < count) {
      if (this.position >= this.buffer.length) throw new EndOfBits();
      this.held = ((this.held << 8) | (this.buffer[this.position++] as number)) & 0x7fffffff;
      this.bits += 8;
    }
    this.bits -= count;
    return (this.held >>> this.bits) & ((1 << count) - 1);
  }

  read32(): number {
    const high = this.read(16);
    return ((high << 16) | this.read(16)) >>> 0;
  }

  /** Drops what is left of the current byte. */
  alignToByte(): void {
    this.bits -= this.bits % 8;
  }

  /** True when not even one more byte can be read (call it aligned). */
  get empty(): boolean {
    return this.bits === 0 && this.position >= this.buffer.length;
  }
}

export class EndOfBits extends Error {}
