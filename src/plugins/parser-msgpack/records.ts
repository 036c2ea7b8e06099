import { DataError, type ParserFile } from '../../core/spi/index.js';
import { readHead, scanValue } from './scan-value.js';

/** One value of the stream. */
export interface PackedValue {
  readonly offset: number;
  /** Only valid until the next batch. */
  readonly bytes: Buffer;
  /** Why it cannot be read, although its end is known. */
  readonly problem: string | undefined;
}

/** A record longer than this is rejected. */
const MAX_RECORD = 1_999_999;
/** What is held of a value whose end has not come; a corrupt length asks for more. */
const MAX_HELD = 64 << 20;
const BATCH = 1000;
const FIRST_WINDOW = 64 << 10;

/** Cuts a stream into its values, in batches. A stream that ends within one, or has a byte that starts none, is a DataError. */
export async function* splitValues(
  source: AsyncIterable<Uint8Array>,
  file: ParserFile,
  encoding: 'sequence' | 'array',
): AsyncGenerator<readonly PackedValue[]> {
  const window = new Window(source);
  let left = Infinity;
  if (encoding === 'array' && !(file.offset !== undefined && file.offset > 0)) left = await readArrayHead(window, file);
  let batch: PackedValue[] = [];
  for (let number = 1; ;) {
    if (left === 0 || window.at === window.bytes.length) {
      if (batch.length > 0) yield batch;
      batch = [];
      if (await window.atEnd()) break;
      if (left === 0)
        throw damaged(
          file,
          window.offset,
          'there is something behind the array of records',
          'the file holds more than one array: use file_encoding: sequence',
        );
    }
    const { bytes, at } = window;
    const scan = scanValue(bytes, at, bytes.length);
    if (scan.kind === 'corrupt') throw damaged(file, window.base + scan.at, 'a byte that starts no MessagePack value', undefined, number);
    if (scan.kind === 'more') {
      if (batch.length > 0) yield batch;
      batch = [];
      if (bytes.length - at > MAX_HELD) throw damaged(file, window.offset, 'a value of more than 64 MB', undefined, number);
      if (!(await window.grow()))
        throw damaged(file, window.offset, 'the file ends within a value', 'the file is incomplete; fetch or write it again', number);
      continue;
    }
    const problem = scan.end - at > MAX_RECORD ? 'the record is longer than 2 MB' : scan.problem;
    batch.push({ offset: window.base + at, bytes: bytes.subarray(at, scan.end), problem });
    window.at = scan.end;
    number++;
    left--;
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (left > 0 && left < Infinity) throw damaged(file, window.offset, `the array of records ends early: ${left} are missing`, undefined);
}

/** Bytes of a file that grows up to the end of its last complete value; where it turns out to be damaged, all of them. */
export async function countCompleteBytes(file: Pick<ParserFile, 'open' | 'size'>): Promise<number> {
  const window = new Window(file.open());
  for (;;) {
    const scan = scanValue(window.bytes, window.at, window.bytes.length);
    if (scan.kind === 'corrupt') return file.size;
    if (scan.kind !== 'more') window.at = scan.end;
    else if (window.bytes.length - window.at > MAX_HELD) return file.size;
    else if (!(await window.grow())) return window.offset;
  }
}

async function readArrayHead(window: Window, file: ParserFile): Promise<number> {
  for (;;) {
    const first = window.bytes[window.at];
    const head = readHead(window.bytes, window.at, window.bytes.length);
    if (head === 'more') {
      if (await window.grow()) continue;
      if (window.bytes.length === 0) return 0;
      throw damaged(file, 0, 'the file ends within a value', undefined);
    }
    const isArray = first !== undefined && ((first & 0xf0) === 0x90 || first === 0xdc || first === 0xdd);
    if (head === 'corrupt' || !isArray) throw damaged(file, 0, 'expected one array of records (file_encoding: array)', 'use file_encoding: sequence');
    window.at += head.size;
    return head.values;
  }
}

function damaged(file: ParserFile, offset: number, what: string, hint: string | undefined, record?: number): DataError {
  const at = offset + (file.offset ?? 0);
  return new DataError({
    code: 'MSGPACK_DAMAGED',
    message: `${file.name}, byte ${at}: ${what}`,
    hint: hint ?? 'the file is damaged or is no MessagePack; fetch or write it again',
    where: { file: file.name, ...(record === undefined ? {} : { record }) },
  });
}

/** The part of the stream that is in memory. */
class Window {
  private readonly chunks: AsyncIterator<Uint8Array>;
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  /** Offset in the source of `bytes[0]`. */
  base = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  get offset(): number {
    return this.base + this.at;
  }

  async atEnd(): Promise<boolean> {
    return this.at === this.bytes.length && !(await this.grow());
  }

  /** At least doubles what is held, so that a long value is scanned only a few times. False: the stream has ended. */
  async grow(): Promise<boolean> {
    const rest = this.bytes.subarray(this.at);
    const parts: Uint8Array[] = [rest];
    let have = rest.length;
    const want = Math.max(rest.length * 2, FIRST_WINDOW);
    while (have < want) {
      const next = await this.chunks.next();
      if (next.done) break;
      // A source may use its buffer again for the next chunk.
      parts.push(have + next.value.length < want ? Buffer.from(next.value) : next.value);
      have += next.value.length;
    }
    this.base += this.at;
    this.at = 0;
    this.bytes = Buffer.concat(parts, have);
    return have > rest.length;
  }
}
