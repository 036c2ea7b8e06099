/** Takes exact numbers of bytes from a stream of chunks. */
export class ByteQueue {
  private readonly input: AsyncIterator<Uint8Array>;
  private chunk: Uint8Array = new Uint8Array(0);
  private at = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.input = source[Symbol.asyncIterator]();
  }

  /** The next `count` bytes; fewer only at the end of the stream. */
  async take(count: number): Promise<Uint8Array> {
    const out = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      if (this.at === this.chunk.length && !(await this.more())) return out.subarray(0, filled);
      const part = this.chunk.subarray(this.at, this.at + count - filled);
      out.set(part, filled);
      filled += part.length;
      this.at += part.length;
    }
    return out;
  }

  /** Passes over `count` bytes; false when the stream ends before. */
  async skip(count: number): Promise<boolean> {
    let left = count;
    while (left > 0) {
      if (this.at === this.chunk.length && !(await this.more())) return false;
      const step = Math.min(left, this.chunk.length - this.at);
      this.at += step;
      left -= step;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.input.return?.();
  }

  private async more(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.input.next();
      if (done) return false;
      this.chunk = value;
      this.at = 0;
      if (value.length > 0) return true;
    }
  }
}
