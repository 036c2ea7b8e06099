import { BugError } from '../../../core/spi/index.js';
import type { SpooledChunk } from '../sql/spooled-reading.js';
import type { Encoding } from './result-columns.js';

const COMMA = 44;
const NEWLINE = 10;
const RETURN = 13;
const QUOTE = 34;
const ZERO = 48;

/** First byte of a length (protocol: length-encoded integers). */
const NULL_VALUE = 251;
const TWO_BYTES = 252;
const THREE_BYTES = 253;
const EIGHT_BYTES = 254;

const HEX = new Uint16Array(256);
for (let i = 0; i < 256; i++) {
  const digits = i.toString(16).padStart(2, '0');
  HEX[i] = digits.charCodeAt(0) | (digits.charCodeAt(1) << 8);
}

const CHUNK = 1 << 20;
const SPARE = 1 << 16;

export interface RowEncoderOptions {
  /** Zero dates (`0000-00-00`, `2024-00-15`, any of the year 0) become NULL and are counted, instead of going on as they are. */
  readonly zeroDatesAsNull: boolean;
  /** Bytes after which a chunk is given away. Default 1 MB. */
  readonly chunkBytes?: number;
}

/**
 * Rows of the text protocol as CSV. This is the one loop that touches each byte of a load, so it works on bytes and numbers
 * alone. Rows must be encoded before the driver goes on: it reuses its packets.
 */
export class RowEncoder {
  readonly #encodings: readonly Encoding[];
  readonly #give: (chunk: SpooledChunk) => void;
  readonly #chunkBytes: number;
  readonly #zeroDatesAsNull: boolean;
  readonly #zeroDates: number[];
  #out: Buffer;
  #at = 0;
  #rows = 0;
  #longest = 0;

  constructor(encodings: readonly Encoding[], give: (chunk: SpooledChunk) => void, options: RowEncoderOptions) {
    this.#encodings = encodings;
    this.#give = give;
    this.#chunkBytes = options.chunkBytes ?? CHUNK;
    this.#zeroDatesAsNull = options.zeroDatesAsNull;
    this.#zeroDates = encodings.map(() => 0);
    this.#out = Buffer.allocUnsafe(this.#chunkBytes + SPARE);
  }

  /** Zero dates of each column. */
  get zeroDates(): readonly number[] {
    return this.#zeroDates;
  }

  /** One row packet: the fields, each behind its length. */
  add(packet: Uint8Array, start: number, end: number): void {
    const encodings = this.#encodings;
    const out = this.#makeRoom((end - start) * 2 + 64 + encodings.length * 24);
    const begin = this.#at;
    let at = begin;
    let read = start;
    let column = 0;
    while (read < end) {
      if (column > 0) out[at++] = COMMA;
      const encoding = encodings[column++];
      let length = packet[read++] as number;
      if (length === NULL_VALUE) continue;
      if (length === TWO_BYTES) {
        length = (packet[read] as number) | ((packet[read + 1] as number) << 8);
        read += 2;
      } else if (length === THREE_BYTES) {
        length = (packet[read] as number) | ((packet[read + 1] as number) << 8) | ((packet[read + 2] as number) << 16);
        read += 3;
      } else if (length === EIGHT_BYTES) {
        length = Number(Buffer.from(packet.buffer, packet.byteOffset + read, 8).readBigUInt64LE());
        read += 8;
      }
      const next = read + length;
      switch (encoding) {
        case 'plain':
          while (read < next) out[at++] = packet[read++] as number;
          break;
        case 'text':
          at = writeText(out, at, packet, read, next);
          break;
        case 'date':
          if (isZeroDate(packet, read, length)) {
            this.#zeroDates[column - 1] = (this.#zeroDates[column - 1] ?? 0) + 1;
            if (this.#zeroDatesAsNull) break;
          }
          while (read < next) out[at++] = packet[read++] as number;
          break;
        case 'hex':
          at = writeHex(out, at, packet, read, next);
          break;
        case 'bits':
          at += out.write(bitsOf(packet, read, next), at, 'latin1');
          break;
        case undefined:
          throw widthError(column, encodings.length);
      }
      read = next;
    }
    if (column !== encodings.length) throw widthError(column, encodings.length);
    out[at++] = NEWLINE;
    this.#at = at;
    this.#rows++;
    if (at - begin > this.#longest) this.#longest = at - begin;
    if (at > this.#chunkBytes) this.flush();
  }

  /** The same for values that were already cut apart. */
  addValues(values: readonly (Uint8Array | null)[]): void {
    const fields: Uint8Array[] = [];
    for (const value of values) {
      if (value === null) fields.push(Uint8Array.of(NULL_VALUE));
      else {
        const length = Buffer.alloc(9);
        length[0] = EIGHT_BYTES;
        length.writeBigUInt64LE(BigInt(value.length), 1);
        fields.push(length, value);
      }
    }
    const packet = Buffer.concat(fields);
    this.add(packet, 0, packet.length);
  }

  /** Gives away what is there. */
  flush(): void {
    if (this.#rows === 0) return;
    const bytes = this.#out.subarray(0, this.#at);
    const chunk = { bytes, rows: this.#rows, longest: this.#longest };
    this.#out = Buffer.allocUnsafe(this.#chunkBytes + SPARE);
    this.#at = 0;
    this.#rows = 0;
    this.#longest = 0;
    this.#give(chunk);
  }

  #makeRoom(bytes: number): Buffer {
    if (this.#at + bytes <= this.#out.length) return this.#out;
    this.flush();
    if (bytes > this.#out.length) this.#out = Buffer.allocUnsafe(bytes + this.#chunkBytes);
    return this.#out;
  }
}

function writeText(out: Uint8Array, begin: number, packet: Uint8Array, start: number, end: number): number {
  let at = begin;
  let read = start;
  for (; read < end; read++) {
    const byte = packet[read] as number;
    if (byte === QUOTE || byte === COMMA || byte === NEWLINE || byte === RETURN) break;
    out[at++] = byte;
  }
  if (read === end && start < end) return at;
  // An empty text is quoted, too: unquoted it would be NULL.
  at = begin;
  out[at++] = QUOTE;
  for (read = start; read < end; read++) {
    const byte = packet[read] as number;
    if (byte === QUOTE) out[at++] = QUOTE;
    out[at++] = byte;
  }
  out[at++] = QUOTE;
  return at;
}

function writeHex(out: Uint8Array, begin: number, packet: Uint8Array, start: number, end: number): number {
  let at = begin;
  if (start === end) {
    out[at++] = QUOTE;
    out[at++] = QUOTE;
    return at;
  }
  for (let read = start; read < end; read++) {
    const digits = HEX[packet[read] as number] as number;
    out[at++] = digits & 255;
    out[at++] = digits >> 8;
  }
  return at;
}

/** `YYYY-MM-DD…` whose year, month or day is nought. */
function isZeroDate(packet: Uint8Array, at: number, length: number): boolean {
  if (length < 10) return false;
  if (packet[at] === ZERO && packet[at + 1] === ZERO && packet[at + 2] === ZERO && packet[at + 3] === ZERO) return true;
  return (packet[at + 5] === ZERO && packet[at + 6] === ZERO) || (packet[at + 8] === ZERO && packet[at + 9] === ZERO);
}

/** BIT(n) as a decimal number; its bytes come most significant first. */
function bitsOf(packet: Uint8Array, start: number, end: number): string {
  let value = 0n;
  for (let read = start; read < end; read++) value = (value << 8n) | BigInt(packet[read] as number);
  return value.toString();
}

function widthError(found: number, expected: number): BugError {
  return new BugError({
    code: 'MYSQL_ROW_WIDTH',
    message: `the server sent a row of ${found} fields or more for ${expected} columns`,
    hint: 'report this with the versions of the server and of a proxy between',
  });
}
