import type { ByteSearch } from '../shared/byte-search.js';
import { webAssembly } from '../shared/web-assembly.js';
import { CR, LF, type Dialect } from './dialect.js';
import type { NativeNewline } from './routing.js';

/** `plain-fields.wat`: sixteen bytes at a time, more than a GB a second. */
const BINARY =
  'AGFzbQEAAAABIwVgBX9/f39/AGABfwF/YAJ/fwF/YAN/f38Bf2AEf39/fwF/AhIBBnNlYXJjaAZtZW1vcnkCAAEDEA8AAQECAgEDAQIBAQMBAgQGKgh/AUEsC38BQSILfwFBgAILfwFBAAt/AUEAC38BQX8LfwFBAAt/AUEACwcuBQVmaWVsZAMFB3JlY29yZHMDBgltaXNzaGFwZW4DBwViZWdpbgAABHdhbGsADgqNCg8ZACAAJAAgASQBIAIkAiADJAMgAyAEaiQECwoAIABBMGtBCkkLJQEBfyAALQAAIQEgASMARiABQQpGciABIwJGIAAtAAFBCkZxcgt0AwF7AX8CeyAALQAAIwFGBEAgAEEBaiABEAQPCyMA/Q8hBCMB/Q8hBQNAIAD9AAQAIQIgAiAE/SMgAiAF/SP9UCACQQr9D/0j/VD9ZCEDIANFBEAgAEEQaiEADAELCyAAIANoaiEAQQAgACAALQAAIwFGGwtuAgF/AXsjAf0PIQMDQCAAIAFPBEBBfw8LIAD9AAQAIAP9I/1kIQIgAkUEQCAAQRBqIQAMAQsgACACaGohACAAIAFPBEBBfw8LIABBAWohACAALQAAIwFGBEAgAEEBaiEADAELCyAAQQAgABACGwsyAQF/A0AgAP0ABABBMP0P/XFBCv0P/Sz9ZCEBIAFFBEAgAEEQaiEADAELCyAAIAFoagtwAQF/IAAgAC0AAEEtRmohACAAIQMCQANAIAMtAABBMGtBCk8NASADQQFqIQMMAAsLIAMgAGtBAWsgAU8EQEEADwsgAy0AAEEuRwRAIAMPCyADQQFqIQAgABAFIQMgAyAAa0EBayACTwRAQQAPCyADCxQAIAAtAABBCmwgAC0AAWpBkARrC0cAIAFB/wdxQe8GRiAAKAIAQbDgwIEDR3EgAC0ABEEtRiAALQAHQS1GcXEgAEEFahAHQQFrQQxJIABBCGoQB0EBa0EfSXFxCxYAIAD9AAQAQTD9D/1xQQr9D/0m/WQLEgAgAEEKakEAIAAgABAJEAgbC+EBAQN/IAAQCSEDIANB77YDRwRAQQAPCyAAIAMQCEUEQEEADwsgAC0ACiEEIAEEQCAEIAFHBEBBAA8LBSAEQSBHIARB1ABHcQRAQQAPCwsgAEELahAHQRdLBEBBAA8LIAAtAA1BOkYgAC0AEEE6RnEgAC0ADkE1TSAALQARQTBrQQZJIAAtABIQAXFxcUUEQEEADwsgAEETaiEFIAJBAXEgBS0AAEEuRnEEQCAFQQFqIQAgABAFIQUgBSAAa0EBa0EGTwRAQQAPCwsgAkECcQRAIAUgBS0AAEHaAEZqIQULIAULOwEBfyAAKAIAIQEgAUH05NWrBkYEQCAAQQRqDwsgAUHmwrGbB0YgAC0ABEHlAEZxBEAgAEEFag8LQQAL6gEBBH8gASgCACECIAAgAC0AACMBRmohAwJAIAJBAUYEQCADIAEoAgQgASgCCBAGIQQMAQsgAkECRgRAIAMgASgCBCABKAIIEAshBAwBCyACQQNGBH8gAxAKBSADEAwLIQQLIAMgAEcEQCAERQRAQQAPCyAELQAAIwFHBEBBAA8LIARBAWohBCAEQQAgBBACGw8LIAQEQCAELQAAIwBGBEAgBA8LIAQQAgRAIAQPCwsjAyEFAkADQCAFIwRJBEAgAC0AACAFLQAARw0CIABBAWohACAFQQFqIQUMAQsLIAAQAgRAIAAPCwtBAAulAQEDfwJAA0AgACABTwRAIAEPCyAAIQQgAiEFA0AgBSADTwRAIAAgARADIQYFIAUoAgAEQCAAIAUQDSEGBSAAIAEQAyEGCwsgBkEATA0CIAVBEGohBSAGQQFqIQAgBi0AACMARg0ACyAGIARHBEAjBkEBaiQGIwcgBSADR2okBwsgACAGLQAAQQpHaiEADAALC0F/IAUgAmtBBHYgBkEASBskBSAECw==';
const ENTRY = 16;
/** The longest beginning of a record that is kept until its end is read. */
const REST_BYTES = 1 << 20;
const NO_BYTE = 0x100;
/** Never part of UTF-8. */
const NO_QUOTE = 0xff;

/** What a field may be, beside null: texts that every reader takes for the same value. */
export type PlainForm =
  /** `-?digits(.digits)?`, at most so many before and after the point. */
  | { readonly kind: 'number'; readonly whole: number; readonly fraction: number }
  /** `YYYY-MM-DD HH:MM:SS`, from year 1 on; `between` a space, T, or any of them; then perhaps a fraction of up to six digits and Z. */
  | { readonly kind: 'time'; readonly between: ' ' | 'T' | undefined; readonly fraction: boolean; readonly zulu: boolean }
  /** `YYYY-MM-DD`. */
  | { readonly kind: 'day' }
  /** `true` or `false`. */
  | { readonly kind: 'boolean' };

interface Exports {
  readonly field: { readonly value: number };
  readonly records: { readonly value: number };
  readonly misshapen: { readonly value: number };
  begin(delimiter: number, quote: number, cr: number, nullAt: number, nullLength: number): void;
  walk(start: number, end: number, entries: number, entriesEnd: number): number;
}

let compiled: object | undefined;

/** Bytes in front of a search's room that a walk over as many fields needs. */
export function roomBefore(fields: number, nullLength: number): number {
  return fields * ENTRY + nullLength + REST_BYTES;
}

/**
 * Looks whether in each record the fields of certain forms have them; which day a month has is not looked at. Records are those of RFC 4180:
 * a quote stands around a whole field or is doubled. Lines that are skipped, and fields beyond the last form, may be anything.
 */
export class PlainFields {
  /** The number of a field that had another form, from 0; -1 for a record that cannot be told apart; undefined as long as all are plain. */
  other: number | undefined;
  readonly #exports: Exports;
  readonly #bytes: Buffer;
  readonly #entriesEnd: number;
  /** Where the room begins. What remained of the last record stands in front of it. */
  readonly #room: number;
  readonly #skipped: number;
  #toSkip = 0;
  #rest = 0;
  #atStart = true;

  /** `search` has `roomBefore` bytes; `forms` in the order of the fields. */
  constructor(search: ByteSearch, dialect: Dialect, newline: NativeNewline, forms: readonly (PlainForm | undefined)[]) {
    const { Module, Instance } = webAssembly();
    compiled ??= new Module(Buffer.from(BINARY, 'base64'));
    this.#exports = new Instance(compiled, { search: { memory: search.memory } }).exports as Exports;
    this.#bytes = Buffer.from(search.memory.buffer);
    this.#room = search.room.byteOffset;
    this.#skipped = dialect.skipLines;
    this.#entriesEnd = forms.length * ENTRY;
    for (const [i, form] of forms.entries()) {
      for (const [k, value] of entryOf(form).entries()) this.#bytes.writeInt32LE(value, i * ENTRY + 4 * k);
    }
    const nullLength = this.#bytes.write(dialect.nullString ?? '', this.#entriesEnd);
    const quote = dialect.quote < 0 ? NO_QUOTE : dialect.quote;
    this.#exports.begin(dialect.delimiter[0] ?? NO_BYTE, quote, newline === '\\r\\n' ? CR : NO_BYTE, this.#entriesEnd, nullLength);
  }

  /** Records so far, without blank lines. */
  get records(): number {
    return this.#exports.records.value;
  }

  /** Those that had more or fewer fields than there are forms. */
  get misshapen(): number {
    return this.#exports.misshapen.value;
  }

  /** Bytes at the end of what was taken that are the beginning of a record. */
  get begun(): number {
    return this.#rest;
  }

  beginFile(): void {
    this.#toSkip = this.#skipped;
    this.#rest = 0;
    this.#atStart = true;
  }

  /** The next bytes of the file, `length` at `start` in the search's memory. */
  take(start: number, length: number): void {
    if (this.other !== undefined) return;
    const bytes = this.#bytes;
    const filled = start + length;
    let from = start - this.#rest;
    if (start !== this.#room) return this.#cannotTell();
    if (this.#atStart && this.#toSkip === 0 && bytes[from] === 0xef && bytes[from + 1] === 0xbb && bytes[from + 2] === 0xbf) from += 3;
    this.#atStart = false;
    for (; this.#toSkip > 0; this.#toSkip--) {
      from = bytes.subarray(0, filled).indexOf(LF, from) + 1;
      if (from === 0) return;
    }
    const end = bytes.lastIndexOf(LF, filled - 1) + 1;
    const begun = end > from ? this.#walk(from, end) : from;
    const rest = filled - begun;
    if (rest > REST_BYTES) return this.#cannotTell();
    bytes.copyWithin(this.#room - rest, begun, filled);
    this.#rest = rest;
  }

  endFile(): void {
    if (this.other !== undefined || this.#rest === 0) return;
    this.#bytes[this.#room] = LF;
    if (this.#walk(this.#room - this.#rest, this.#room + 1) <= this.#room) this.other ??= -1;
  }

  #walk(from: number, end: number): number {
    const reached = this.#exports.walk(from, end, 0, this.#entriesEnd);
    const field = this.#exports.field.value;
    if (reached < end && field >= 0) this.other = field;
    return reached;
  }

  #cannotTell(): void {
    this.other = -1;
  }
}

function entryOf(form: PlainForm | undefined): readonly [kind: number, a: number, b: number] {
  switch (form?.kind) {
    case undefined:
      return [0, 0, 0];
    case 'number':
      return [1, form.whole, form.fraction];
    case 'time':
      return [2, form.between?.charCodeAt(0) ?? 0, (form.fraction ? 1 : 0) + (form.zulu ? 2 : 0)];
    case 'day':
      return [3, 0, 0];
    case 'boolean':
      return [4, 0, 0];
  }
}
