import { isUtf8 } from 'node:buffer';
import { elementsOf, followPointer, isBlank, kindOf, scanValue, skipBlanks, type JsonSlice } from '../shared/json-scanner.js';
import type { JsonLayout } from './config.js';

/** One record or one piece that is none. `bytes` is only valid until the next item. */
export type JsonItem =
  | { readonly ok: true; readonly bytes: Buffer; readonly record: JsonSlice; readonly offset: number }
  | {
      readonly ok: false;
      readonly bytes: Buffer;
      readonly record: JsonSlice;
      readonly offset: number;
      readonly reason: string;
      readonly unclosed?: true;
    };

const MAX_RECORD_BYTES = 64 * 1024 * 1024;
/** A longer line is kept as the reject's text only up to `RAW_HEAD_BYTES`. */
const MAX_RAW_BYTES = 16 * 1024 * 1024;
const RAW_HEAD_BYTES = 1024 * 1024;
const BOM = [0xef, 0xbb, 0xbf];

/**
 * Splits a stream into JSON records: values one after the other, with any white space between them. After a broken
 * value reading goes on at the next line. With `flatten` a top-level array is streamed element by element.
 */
export async function* splitRecords(source: AsyncIterable<Uint8Array>, layout: Pick<JsonLayout, 'root' | 'flatten'>): AsyncGenerator<JsonItem> {
  const window = new Window(source);
  const streamArrays = layout.flatten && layout.root.length === 0;
  let inArray = false;
  for (;;) {
    const at = await window.nextByte();
    if (at === undefined) break;
    if (inArray && (at === 0x2c || at === 0x5d)) {
      if (at === 0x5d) inArray = false;
      window.skip(1);
      continue;
    }
    if (streamArrays && !inArray && at === 0x5b) {
      inArray = true;
      window.skip(1);
      continue;
    }
    const item = await window.takeValue();
    if (!item.ok) yield item;
    else if (inArray) yield item;
    else if (streamArrays)
      yield { ...item, ok: false, reason: `expected an array of records (flatten_json_array), found ${kindOf(item.bytes, item.record.start)}` };
    else yield* pickRecords(item, layout);
  }
}

function* pickRecords(item: JsonItem & { ok: true }, layout: Pick<JsonLayout, 'root' | 'flatten'>): Generator<JsonItem> {
  const { bytes, record, offset } = item;
  const root =
    layout.root.length === 0
      ? record
      : kindOf(bytes, record.start) === 'object' || kindOf(bytes, record.start) === 'array'
        ? followPointer(bytes, record, layout.root)
        : undefined;
  if (!root) {
    yield { ...item, ok: false, reason: `no value at root "/${layout.root.join('/')}"` };
    return;
  }
  if (!layout.flatten) {
    yield { ...item, record: root, offset: offset + root.start - record.start };
    return;
  }
  if (kindOf(bytes, root.start) !== 'array') {
    yield { ...item, ok: false, reason: `expected an array of records (flatten_json_array), found ${kindOf(bytes, root.start)}` };
    return;
  }
  for (const element of elementsOf(bytes, root)) yield { ok: true, bytes, record: element, offset: offset + element.start - record.start };
}

/** The part of the stream that is in memory: whole chunks are appended at its end, finished records cut from its start. */
class Window {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private bytes = Buffer.alloc(0);
  private at = 0;
  /** Offset in the source of `bytes[0]`. */
  private base = 0;
  private ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  skip(count: number): void {
    this.at += count;
  }

  /** The next byte that is no white space, or undefined at the end. */
  async nextByte(): Promise<number | undefined> {
    for (;;) {
      if (this.base === 0 && this.at === 0 && BOM.every((byte, i) => this.bytes[i] === byte)) this.at = 3;
      this.at = skipBlanks(this.bytes, this.at, this.bytes.length);
      const wantsBom = this.base === 0 && this.at === 0 && this.bytes.length < 3 && !this.ended;
      if (this.at < this.bytes.length && !wantsBom) return this.bytes[this.at];
      if (this.ended) return undefined;
      await this.grow();
    }
  }

  async takeValue(): Promise<JsonItem> {
    for (;;) {
      const { bytes, at } = this;
      const result = scanValue(bytes, at, bytes.length);
      const touchesEnd = result.kind === 'value' && result.end === bytes.length && isScalarTail(bytes[result.end - 1] as number);
      if (result.kind === 'bad') return await this.rejectLine(result.reason);
      if (result.kind === 'value' && (!touchesEnd || this.ended)) {
        const record = { start: at, end: result.end };
        this.at = result.end;
        if (isUtf8(bytes.subarray(at, result.end))) return { ok: true, bytes, record, offset: this.base + at };
        return { ok: false, bytes, record, offset: this.base + at, reason: 'not valid UTF-8' };
      }
      if (this.ended) return { ...(await this.rejectLine('the JSON value is not closed')), unclosed: true };
      if (bytes.length - at > MAX_RECORD_BYTES) return await this.rejectLine(`a record of more than ${MAX_RECORD_BYTES / 1048576} MB`);
      await this.grow();
    }
  }

  /** Goes on behind the line that the record starts on; of a very long line only the start is kept. */
  private async rejectLine(reason: string): Promise<JsonItem & { readonly ok: false }> {
    const offset = this.base + this.at;
    let head: Buffer | undefined;
    for (;;) {
      const newline = this.bytes.indexOf(10, this.at);
      if (newline < 0 && !this.ended) {
        if (this.bytes.length - this.at > MAX_RAW_BYTES) {
          head ??= Buffer.from(this.bytes.subarray(this.at, this.at + RAW_HEAD_BYTES));
          this.at = this.bytes.length;
        }
        await this.grow();
        continue;
      }
      const start = this.at;
      this.at = newline < 0 ? this.bytes.length : newline + 1;
      if (head) return { ok: false, bytes: head, record: { start: 0, end: head.length }, offset, reason };
      let end = newline < 0 ? this.bytes.length : newline;
      while (end > start && isBlank(this.bytes[end - 1] as number)) end--;
      if (end - start > MAX_RAW_BYTES) end = start + RAW_HEAD_BYTES;
      return { ok: false, bytes: this.bytes, record: { start, end }, offset, reason };
    }
  }

  /** Doubles what is held, so that a long record is scanned again only a few times. */
  private async grow(): Promise<void> {
    const rest = this.bytes.subarray(this.at);
    const parts: Uint8Array[] = [rest];
    let have = rest.length;
    const want = Math.max(rest.length * 2, 65_536);
    while (have < want) {
      const next = await this.chunks.next();
      if (next.done) {
        this.ended = true;
        break;
      }
      have += next.value.length;
      // A source may use its buffer again for the next chunk.
      parts.push(have < want ? Buffer.from(next.value) : next.value);
    }
    this.base += this.at;
    this.at = 0;
    this.bytes = Buffer.concat(parts, have);
  }
}

/** A number or word that touches the end of the window may go on behind it. */
function isScalarTail(byte: number): boolean {
  return byte !== 0x7d && byte !== 0x5d && byte !== 0x22;
}
