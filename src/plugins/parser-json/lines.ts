import { isBlank } from '../shared/json-scanner.js';

/** One line with something in it; `bytes` without the white space around it. */
export interface TextLine {
  /** 1-based, lines of white space not counted. */
  readonly number: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

/** The lines DuckDB's NDJSON reader counts, with their places. */
export async function* readLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<TextLine> {
  let rest: Buffer = Buffer.alloc(0);
  let base = 0;
  let number = 0;
  const trimmed = (bytes: Buffer, from: number, to: number): TextLine | undefined => {
    let start = from;
    let end = to;
    while (start < end && isBlank(bytes[start] as number)) start++;
    while (end > start && isBlank(bytes[end - 1] as number)) end--;
    return start < end ? { number: ++number, offset: base + start, bytes: bytes.subarray(start, end) } : undefined;
  };
  for await (const chunk of source) {
    const bytes = rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let newline = bytes.indexOf(10, Math.max(0, rest.length)); newline >= 0; newline = bytes.indexOf(10, from)) {
      const line = trimmed(bytes, from, newline);
      if (line) yield line;
      from = newline + 1;
    }
    base += from;
    rest = Buffer.from(bytes.subarray(from));
  }
  const last = trimmed(rest, 0, rest.length);
  if (last) yield last;
}
