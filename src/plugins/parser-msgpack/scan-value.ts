import { isUtf8 } from 'node:buffer';

/** Where a value of MessagePack bytes ends, found without building it. */
export type ValueScan =
  | { readonly kind: 'value'; readonly end: number; readonly problem: string | undefined }
  /** The bytes end within the value. */
  | { readonly kind: 'more' }
  /** A byte that starts no value: nothing behind it can be told apart. */
  | { readonly kind: 'corrupt'; readonly at: number };

/** Values within values; deeper ones could not be written as JSON text. */
const MAX_DEPTH = 500;

/** Scans one value at `start`. Source of the formats: github.com/msgpack/msgpack/blob/master/spec.md. */
export function scanValue(bytes: Buffer, start: number, end: number): ValueScan {
  /** Values still missing in each open container. */
  const open: number[] = [];
  let at = start;
  let left = 1;
  let problem: string | undefined;
  for (;;) {
    while (left === 0) {
      const outer = open.pop();
      if (outer === undefined) return { kind: 'value', end: at, problem };
      left = outer;
    }
    const head = readHead(bytes, at, end);
    if (head === 'more') return { kind: 'more' };
    if (head === 'corrupt') return { kind: 'corrupt', at };
    at += head.size + head.content;
    if (at > end) return { kind: 'more' };
    if (head.text && !isUtf8(bytes.subarray(at - head.content, at))) problem ??= 'a text is not valid UTF-8';
    left--;
    if (head.values === 0) continue;
    if (open.length >= MAX_DEPTH) problem ??= `nested deeper than ${MAX_DEPTH} levels`;
    open.push(left);
    left = head.values;
  }
}

/** The first bytes of a value: their number, the bytes of content behind them, and the values within. */
export interface ValueHead {
  readonly size: number;
  readonly content: number;
  readonly values: number;
  readonly text?: boolean;
}

const scalar = (size: number): ValueHead => ({ size, content: 0, values: 0 });

/** Sizes of 0xca to 0xd3: floats, unsigned and signed integers. */
const NUMBER_SIZES = [5, 9, 2, 3, 5, 9, 2, 3, 5, 9];

export function readHead(bytes: Buffer, at: number, end: number): ValueHead | 'more' | 'corrupt' {
  if (at >= end) return 'more';
  const byte = bytes[at] as number;
  if (byte < 0x80 || byte >= 0xe0 || byte === 0xc0 || byte === 0xc2 || byte === 0xc3) return scalar(1);
  if (byte < 0x90) return { size: 1, content: 0, values: 2 * (byte & 15) };
  if (byte < 0xa0) return { size: 1, content: 0, values: byte & 15 };
  if (byte < 0xc0) return { size: 1, content: byte & 31, values: 0, text: true };
  if (byte === 0xc1) return 'corrupt';
  if (byte >= 0xca && byte <= 0xd3) return scalar(NUMBER_SIZES[byte - 0xca] as number);
  if (byte >= 0xd4 && byte <= 0xd8) return { size: 2, content: 1 << (byte - 0xd4), values: 0 };
  const width = lengthWidth(byte);
  if (at + 1 + width > end) return 'more';
  const length = bytes.readUIntBE(at + 1, width);
  if (byte >= 0xde) return { size: 1 + width, content: 0, values: length * 2 };
  if (byte >= 0xdc) return { size: 1 + width, content: 0, values: length };
  if (byte >= 0xd9) return { size: 1 + width, content: length, values: 0, text: true };
  if (byte >= 0xc7) return { size: 2 + width, content: length, values: 0 };
  return { size: 1 + width, content: length, values: 0 };
}

/** Bytes of the length that follows the first byte of bin, ext, str, array and map. */
function lengthWidth(byte: number): number {
  if (byte <= 0xc6) return 1 << (byte - 0xc4);
  if (byte <= 0xc9) return 1 << (byte - 0xc7);
  if (byte <= 0xdb) return 1 << (byte - 0xd9);
  return byte % 2 === 0 ? 2 : 4;
}
