const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

/** Gathers a block: four equal bytes are followed by the number of further ones. */
export class RunLengthBlock {
  readonly #data: Uint8Array;
  readonly #limit: number;
  #length = 0;
  #crc = 0xffffffff;
  #byte = -1;
  #run = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#data = new Uint8Array(limit + 16);
  }

  get isEmpty(): boolean {
    return this.#length === 0 && this.#run === 0;
  }

  /** Takes bytes from `at` on; answers where it stopped, because the block is full or the chunk at its end. */
  add(chunk: Uint8Array, at: number): number {
    let i = at;
    for (; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (byte !== this.#byte || this.#run === 255) {
        this.#flush();
        if (this.#length >= this.#limit) break;
        this.#byte = byte;
      }
      this.#run++;
      this.#crc = ((this.#crc << 8) ^ (CRC_TABLE[(this.#crc >>> 24) ^ byte] as number)) >>> 0;
    }
    return i;
  }

  finish(): { readonly data: Uint8Array; readonly crc: number } {
    this.#flush();
    const result = { data: this.#data.slice(0, this.#length), crc: ~this.#crc >>> 0 };
    this.#length = 0;
    this.#crc = 0xffffffff;
    return result;
  }

  #flush(): void {
    for (let i = 0; i < Math.min(4, this.#run); i++) this.#data[this.#length++] = this.#byte;
    if (this.#run >= 4) this.#data[this.#length++] = this.#run - 4;
    this.#run = 0;
    this.#byte = -1;
  }
}
