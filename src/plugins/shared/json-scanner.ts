/**
 * A strict JSON scanner (RFC 8259) over bytes. It only finds where values begin and end, so that a value's source text
 * stays what it was: no number is parsed, no string decoded.
 */
export type ScanResult =
  | { readonly kind: 'value'; readonly end: number }
  | { readonly kind: 'bad'; readonly at: number; readonly reason: string }
  /** The bytes end within the value. */
  | { readonly kind: 'more' };

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/** A value within its bytes: `[start, end)`. */
export interface JsonSlice {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MAX_DEPTH = 10_000;
const MORE = -1;

/** Deliberately not exported as an error class: it never leaves this file. */
class Bad {
  readonly at: number;
  readonly reason: string;
  constructor(at: number, reason: string) {
    this.at = at;
    this.reason = reason;
  }
}

/** White space within JSON. */
export function isJsonSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** White space between records, as DuckDB's reader sees it: form feeds count, too. */
export function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

export function skipSpace(bytes: Uint8Array, from: number, end: number): number {
  let i = from;
  while (i < end && isJsonSpace(bytes[i] as number)) i++;
  return i;
}

export function skipBlanks(bytes: Uint8Array, from: number, end: number): number {
  let i = from;
  while (i < end && isBlank(bytes[i] as number)) i++;
  return i;
}

/** Scans one value that starts exactly at `start`. A number that touches `end` counts as whole. */
export function scanValue(bytes: Uint8Array, start: number, end: number): ScanResult {
  try {
    const stop = scan(bytes, start, end);
    return stop === MORE ? { kind: 'more' } : { kind: 'value', end: stop };
  } catch (error) {
    if (error instanceof Bad) return { kind: 'bad', at: error.at, reason: error.reason };
    throw error;
  }
}

function scan(b: Uint8Array, start: number, end: number): number {
  const stack: number[] = [];
  let i = start;
  for (;;) {
    i = skipSpace(b, i, end);
    if (i >= end) return MORE;
    const c = b[i] as number;
    if (c === 0x7b || c === 0x5b) {
      if (stack.length >= MAX_DEPTH) throw new Bad(i, `nested deeper than ${MAX_DEPTH} levels`);
      i = skipSpace(b, i + 1, end);
      if (i >= end) return MORE;
      if (b[i] === c + 2) i++;
      else {
        stack.push(c);
        if (c === 0x7b && (i = scanKey(b, i, end)) === MORE) return MORE;
        continue;
      }
    } else if (c === QUOTE) i = scanString(b, i, end);
    else if (c === 0x2d || (c >= 0x30 && c <= 0x39)) i = scanNumber(b, i, end);
    else i = scanWord(b, i, end);
    if (i === MORE) return MORE;
    // A value has ended: close what closes, or go to the next member.
    for (;;) {
      const open = stack[stack.length - 1];
      if (open === undefined) return i;
      i = skipSpace(b, i, end);
      if (i >= end) return MORE;
      const next = b[i] as number;
      if (next === 0x2c) {
        i = skipSpace(b, i + 1, end);
        if (i >= end) return MORE;
        if (open === 0x7b && (i = scanKey(b, i, end)) === MORE) return MORE;
        break;
      }
      if (next !== open + 2) throw new Bad(i, `expected "," or "${String.fromCharCode(open + 2)}", found ${show(next)}`);
      stack.pop();
      i++;
    }
  }
}

/** `"key" :`; answers the position after the colon. */
function scanKey(b: Uint8Array, start: number, end: number): number {
  if (b[start] !== QUOTE) throw new Bad(start, `expected a key in double quotes, found ${show(b[start] as number)}`);
  let i = scanString(b, start, end);
  if (i === MORE) return MORE;
  i = skipSpace(b, i, end);
  if (i >= end) return MORE;
  if (b[i] !== 0x3a) throw new Bad(i, `expected ":" after a key, found ${show(b[i] as number)}`);
  return i + 1;
}

function scanString(b: Uint8Array, start: number, end: number): number {
  let i = start + 1;
  for (;;) {
    if (i >= end) return MORE;
    const c = b[i] as number;
    if (c === QUOTE) return i + 1;
    if (c < 0x20) throw new Bad(i, `a control character (${show(c)}) within a string`);
    if (c !== BACKSLASH) i++;
    else if ((i = scanEscape(b, i, end)) === MORE) return MORE;
  }
}

function scanEscape(b: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return MORE;
  const c = b[at + 1] as number;
  if (c !== 0x75) {
    if (!'"\\/bfnrt'.includes(String.fromCharCode(c))) throw new Bad(at, `invalid escape \\${String.fromCharCode(c)}`);
    return at + 2;
  }
  if (at + 6 > end) return MORE;
  const high = hex4(b, at + 2);
  if (high < 0) throw new Bad(at, 'invalid escape \\u');
  if (high < 0xd800 || high > 0xdfff) return at + 6;
  if (high > 0xdbff) throw new Bad(at, 'a low surrogate without a high one');
  if (at + 12 > end) {
    for (let i = at + 6; i < end; i++)
      if (i === at + 6 ? b[i] !== BACKSLASH : i === at + 7 && b[i] !== 0x75) throw new Bad(at, 'a high surrogate without a low one');
    return MORE;
  }
  const low = b[at + 6] === BACKSLASH && b[at + 7] === 0x75 ? hex4(b, at + 8) : -1;
  if (low < 0xdc00 || low > 0xdfff) throw new Bad(at, 'a high surrogate without a low one');
  return at + 12;
}

function hex4(b: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const c = b[i] as number;
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : (c | 0x20) >= 0x61 && (c | 0x20) <= 0x66 ? (c | 0x20) - 0x57 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function scanDigits(b: Uint8Array, from: number, end: number): number {
  let i = from;
  while (i < end && (b[i] as number) >= 0x30 && (b[i] as number) <= 0x39) i++;
  return i;
}

function scanNumber(b: Uint8Array, start: number, end: number): number {
  let i = b[start] === 0x2d ? start + 1 : start;
  const whole = scanDigits(b, i, end);
  if (whole === i) {
    if (i >= end) return MORE;
    throw new Bad(start, 'a number without digits');
  }
  if (b[i] === 0x30 && whole > i + 1) throw new Bad(start, 'a number with leading zeros');
  i = whole;
  if (i < end && b[i] === 0x2e) {
    const fraction = scanDigits(b, i + 1, end);
    if (fraction === i + 1) {
      if (fraction >= end) return MORE;
      throw new Bad(start, 'a number without digits after its point');
    }
    i = fraction;
  }
  if (i < end && ((b[i] as number) | 0x20) === 0x65) {
    let from = i + 1;
    if (from < end && (b[from] === 0x2b || b[from] === 0x2d)) from++;
    const exponent = scanDigits(b, from, end);
    if (exponent === from) {
      if (exponent >= end) return MORE;
      throw new Bad(start, 'a number without digits in its exponent');
    }
    i = exponent;
  }
  return i;
}

const WORDS: Readonly<Record<number, readonly number[]>> = {
  0x74: [...Buffer.from('true')],
  0x66: [...Buffer.from('false')],
  0x6e: [...Buffer.from('null')],
};

function scanWord(b: Uint8Array, start: number, end: number): number {
  const word = WORDS[b[start] as number];
  if (!word) throw new Bad(start, `expected a JSON value, found ${show(b[start] as number)}`);
  for (let i = 0; i < word.length; i++) {
    if (start + i >= end) return MORE;
    if (b[start + i] !== word[i]) throw new Bad(start, 'a word that is not true, false or null');
  }
  return start + word.length;
}

function show(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `byte 0x${byte.toString(16).padStart(2, '0')}`;
}

export function kindOf(bytes: Uint8Array, at: number): JsonKind {
  switch (bytes[at]) {
    case 0x7b:
      return 'object';
    case 0x5b:
      return 'array';
    case QUOTE:
      return 'string';
    case 0x74:
    case 0x66:
      return 'boolean';
    case 0x6e:
      return 'null';
    default:
      return 'number';
  }
}

/** The text of a scanned value, as it stands in the source. */
export function textOf(bytes: Buffer, slice: JsonSlice): string {
  return bytes.toString('utf8', slice.start, slice.end);
}

/** The characters of a scanned string. */
export function stringOf(bytes: Buffer, slice: JsonSlice): string {
  const inner = bytes.toString('utf8', slice.start + 1, slice.end - 1);
  return inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner;
}

/** Members of a valid object, in order, duplicates too. */
export function* membersOf(bytes: Buffer, object: JsonSlice): Generator<{ readonly key: string; readonly value: JsonSlice }> {
  let i = skipSpace(bytes, object.start + 1, object.end);
  while (bytes[i] === QUOTE) {
    const keyEnd = scanString(bytes, i, object.end);
    const key = stringOf(bytes, { start: i, end: keyEnd });
    const start = skipSpace(bytes, skipSpace(bytes, keyEnd, object.end) + 1, object.end);
    const end = scan(bytes, start, object.end);
    yield { key, value: { start, end } };
    i = skipSpace(bytes, end, object.end);
    if (bytes[i] === 0x2c) i = skipSpace(bytes, i + 1, object.end);
  }
}

/** Elements of a valid array, in order. */
export function* elementsOf(bytes: Buffer, array: JsonSlice): Generator<JsonSlice> {
  let i = skipSpace(bytes, array.start + 1, array.end);
  while (bytes[i] !== 0x5d) {
    const end = scan(bytes, i, array.end);
    yield { start: i, end };
    i = skipSpace(bytes, end, array.end);
    if (bytes[i] === 0x2c) i = skipSpace(bytes, i + 1, array.end);
  }
}

/** The value a JSON pointer's segments lead to. Of duplicate keys the last one counts, as in every common JSON reader. */
export function followPointer(bytes: Buffer, value: JsonSlice, segments: readonly string[]): JsonSlice | undefined {
  let at: JsonSlice | undefined = value;
  for (const segment of segments) {
    if (!at) return undefined;
    const kind = kindOf(bytes, at.start);
    let next: JsonSlice | undefined;
    if (kind === 'object') {
      for (const member of membersOf(bytes, at)) if (member.key === segment) next = member.value;
    } else if (kind === 'array' && /^(0|[1-9][0-9]*)$/.test(segment)) {
      let index = 0;
      for (const element of elementsOf(bytes, at)) {
        if (index++ !== Number(segment)) continue;
        next = element;
        break;
      }
    }
    at = next;
  }
  return at;
}

/** Segments of a JSON pointer (RFC 6901), or undefined when it is none. */
export function parsePointer(pointer: string): string[] | undefined {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined;
  return pointer
    .slice(1)
    .split('/')
    .map((s) => s.replaceAll('~1', '/').replaceAll('~0', '~'));
}
