import type { BitReader } from './bit-reader.js';

export const BLOCK_MAGIC = [0x314159, 0x265359] as const;
export const END_MAGIC = [0x177245, 0x385090] as const;

const MAX_LENGTH = 20;
const GROUP = 50;
const OUT = 256 << 10;

/** What is wrong with the data; the decoder turns it into a DataError. */
export class Bzip2Error extends Error {}

/** A block as read: the last column of the sorted rotations, still to be put in order. */
export interface Block {
  readonly crc: number;
  readonly start: number;
  readonly length: number;
  /** Low 8 bits: the byte; above: the link to the next one. */
  readonly links: Uint32Array;
}

/** Reads one block after its magic. `room` is a scratch array of the stream's block size. */
export function readBlock(bits: BitReader, room: Uint32Array): Block {
  const crc = bits.read32();
  if (bits.read(1) === 1) throw new Bzip2Error('randomised blocks (bzip2 before 0.9.5) are not supported');
  const start = bits.read(24);
  const symbols = readSymbols(bits);
  const alphabet = symbols.length + 2;
  const groups = bits.read(3);
  if (groups < 2 || groups > 6) throw new Bzip2Error('a block has an impossible number of coding tables');
  const selectors = readSelectors(bits, groups);
  const tables = Array.from({ length: groups }, () => readTable(bits, alphabet));
  const counts = new Uint32Array(256);
  const length = readRuns(bits, symbols, selectors, tables, room, counts);
  if (start >= length) throw new Bzip2Error('a block starts outside of its data');
  let total = 0;
  const next = counts.map((count) => {
    const first = total;
    total += count;
    return first;
  });
  for (let i = 0; i < length; i++) {
    const byte = (room[i] as number) & 0xff;
    const at = next[byte] as number;
    next[byte] = at + 1;
    room[at] = ((room[at] as number) & 0xff) | (i << 8);
  }
  return { crc, start, length, links: room };
}

function readSymbols(bits: BitReader): Uint8Array {
  const ranges = bits.read(16);
  const symbols: number[] = [];
  for (let i = 0; i < 16; i++) {
    if ((ranges & (0x8000 >> i)) === 0) continue;
    const used = bits.read(16);
    for (let j = 0; j < 16; j++) if ((used & (0x8000 >> j)) !== 0) symbols.push(i * 16 + j);
  }
  if (symbols.length === 0) throw new Bzip2Error('a block uses no symbols');
  return Uint8Array.from(symbols);
}

function readSelectors(bits: BitReader, groups: number): Uint8Array {
  const count = bits.read(15);
  if (count === 0) throw new Bzip2Error('a block has no coding tables');
  const order = Array.from({ length: groups }, (_, i) => i);
  return Uint8Array.from({ length: count }, () => {
    let rank = 0;
    while (bits.read(1) === 1) if (++rank >= groups) throw new Bzip2Error('a block names a coding table it does not have');
    const [group] = order.splice(rank, 1) as [number];
    order.unshift(group);
    return group;
  });
}

interface Table {
  readonly shortest: number;
  /** Per length: the largest code, and what turns a code into an index of `values`. */
  readonly limit: Int32Array;
  readonly base: Int32Array;
  readonly values: Uint16Array;
}

function readTable(bits: BitReader, alphabet: number): Table {
  const lengths = new Uint8Array(alphabet);
  let length = bits.read(5);
  for (let i = 0; i < alphabet; i++) {
    for (;;) {
      if (length < 1 || length > MAX_LENGTH) throw new Bzip2Error('a code is too long');
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[i] = length;
  }
  const values = Uint16Array.from(lengths.keys()).sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b);
  const limit = new Int32Array(MAX_LENGTH + 2).fill(-1);
  const base = new Int32Array(MAX_LENGTH + 2);
  let code = 0;
  let index = 0;
  for (let n = 1; n <= MAX_LENGTH; n++) {
    const first = code;
    const firstIndex = index;
    while (index < alphabet && lengths[values[index] as number] === n) {
      index++;
      code++;
    }
    if (index > firstIndex) limit[n] = code - 1;
    base[n] = firstIndex - first;
    code <<= 1;
  }
  return { shortest: Math.min(...lengths), limit, base, values };
}

/** Undoes Huffman coding, zero runs and move-to-front; fills `room` and `counts`, answers the number of bytes. */
function readRuns(
  bits: BitReader,
  symbols: Uint8Array,
  selectors: Uint8Array,
  tables: readonly Table[],
  room: Uint32Array,
  counts: Uint32Array,
): number {
  const front = Uint8Array.from(symbols);
  const end = symbols.length + 1;
  let length = 0;
  let run = 0;
  let weight = 1;
  for (const selector of selectors) {
    const { shortest, limit, base, values } = tables[selector] as Table;
    for (let i = 0; i < GROUP; i++) {
      let n = shortest;
      let code = bits.read(n);
      while (n <= MAX_LENGTH && code > (limit[n] as number)) {
        code = (code << 1) | bits.read(1);
        n++;
      }
      const symbol = values[code + (base[n] as number)];
      if (n > MAX_LENGTH || symbol === undefined) throw new Bzip2Error('a code stands for nothing');
      if (symbol <= 1) {
        run += weight << symbol;
        weight *= 2;
        if (run > room.length) throw new Bzip2Error('a block is longer than the stream says');
        continue;
      }
      if (run > 0) {
        const byte = front[0] as number;
        if (length + run > room.length) throw new Bzip2Error('a block is longer than the stream says');
        room.fill(byte, length, length + run);
        counts[byte] = (counts[byte] as number) + run;
        length += run;
        run = 0;
        weight = 1;
      }
      if (symbol === end) return length;
      const byte = front[symbol - 1] as number;
      front.copyWithin(1, 0, symbol - 1);
      front[0] = byte;
      if (length >= room.length) throw new Bzip2Error('a block is longer than the stream says');
      room[length++] = byte;
      counts[byte] = (counts[byte] as number) + 1;
    }
  }
  throw new Bzip2Error('a block does not end');
}

/** Puts a block's bytes in order and undoes the run lengths, in pieces; throws when its CRC is wrong. */
export function* writeBlock(block: Block): Generator<Uint8Array> {
  const { links, length } = block;
  let out = new Uint8Array(OUT);
  let n = 0;
  let crc = 0xffffffff;
  let at = (links[block.start] as number) >>> 8;
  let same = 0;
  let last = -1;
  for (let i = 0; i < length; i++) {
    const link = links[at] as number;
    const byte = link & 0xff;
    at = link >>> 8;
    let repeat = 1;
    let value = byte;
    if (same === 4) {
      repeat = byte;
      value = last;
      same = 0;
      last = -1;
    } else if (byte === last) {
      same++;
    } else {
      last = byte;
      same = 1;
    }
    for (; repeat > 0; repeat--) {
      out[n++] = value;
      crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ value] as number);
      if (n === OUT) {
        yield out;
        out = new Uint8Array(OUT);
        n = 0;
      }
    }
  }
  if (n > 0) yield out.subarray(0, n);
  if (~crc >>> 0 !== block.crc) throw new Bzip2Error('a block has a wrong checksum');
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, i) => {
  let crc = i << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});
