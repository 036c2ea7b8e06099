/** Bits, most significant first, in a buffer that grows. */
export class BitWriter {
  #bytes = Buffer.allocUnsafe(1 << 16);
  #length = 0;
  #hold = 0;
  #held = 0;

  /** At most 24 bits. */
  write(bits: number, value: number): void {
    this.#hold = ((this.#hold << bits) | value) >>> 0;
    this.#held += bits;
    while (this.#held >= 8) {
      this.#held -= 8;
      this.#push((this.#hold >>> this.#held) & 0xff);
    }
    this.#hold &= (1 << this.#held) - 1;
  }

  write32(value: number): void {
    this.write(16, value >>> 16);
    this.write(16, value & 0xffff);
  }

  /** Whole bytes so far, as a copy; they are forgotten. */
  take(): Uint8Array {
    const taken = Uint8Array.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  padToByte(): void {
    if (this.#held > 0) this.write(8 - this.#held, 0);
  }

  #push(byte: number): void {
    if (this.#length === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.allocUnsafe(this.#bytes.length)]);
    this.#bytes[this.#length++] = byte;
  }
}
