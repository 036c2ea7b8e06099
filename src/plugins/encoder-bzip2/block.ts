import type { BitWriter } from './bit-writer.js';
import { codeLengths, codesOf } from './huffman.js';
import { sortRotations } from './sort-rotations.js';

const GROUP = 50;
const ROUNDS = 4;
const RUN_A = 0;
const RUN_B = 1;

/** Writes one block; `data` is what the first run-length coding left, `crc` that of the bytes before it. */
export function writeBlock(data: Uint8Array, crc: number, out: BitWriter): void {
  out.write(24, 0x314159);
  out.write(24, 0x265359);
  out.write32(crc);
  out.write(1, 0);
  const order = sortRotations(data);
  const last = new Uint8Array(data.length);
  let origin = 0;
  order.forEach((start, i) => {
    if (start === 0) origin = i;
    last[i] = data[start === 0 ? data.length - 1 : start - 1] as number;
  });
  out.write(24, origin);
  const used = usedBytes(last);
  writeUsed(used, out);
  const symbols = moveToFront(last, used);
  writeSymbols(symbols, used.length + 2, out);
}

function usedBytes(bytes: Uint8Array): number[] {
  const seen = new Uint8Array(256);
  for (const byte of bytes) seen[byte] = 1;
  return Array.from(seen, (flag, byte) => (flag === 1 ? byte : -1)).filter((byte) => byte >= 0);
}

/** Sixteen flags say which sixteens of bytes occur, sixteen more for each of those. */
function writeUsed(used: readonly number[], out: BitWriter): void {
  const rows = new Uint32Array(16);
  for (const byte of used) rows[byte >> 4] = (rows[byte >> 4] as number) | (0x8000 >> (byte & 15));
  out.write(
    16,
    rows.reduce((all, row, i) => (row === 0 ? all : all | (0x8000 >> i)), 0),
  );
  for (const row of rows) if (row !== 0) out.write(16, row);
}

/** Move-to-front positions; runs of zeros as numbers of base 2 without a zero digit; then the end of the block. */
function moveToFront(bytes: Uint8Array, used: readonly number[]): Uint16Array {
  const recent = Uint8Array.from(used);
  const symbols = new Uint16Array(bytes.length + 1);
  let length = 0;
  let zeros = 0;
  const flush = (): void => {
    for (; zeros > 0; zeros = (zeros - 1) >> 1) symbols[length++] = (zeros & 1) === 1 ? RUN_A : RUN_B;
  };
  for (const byte of bytes) {
    if (recent[0] === byte) {
      zeros++;
      continue;
    }
    flush();
    const position = recent.indexOf(byte);
    recent.copyWithin(1, 0, position);
    recent[0] = byte;
    symbols[length++] = position + 1;
  }
  flush();
  symbols[length++] = used.length + 1;
  return symbols.subarray(0, length);
}

/** Codes the symbols in groups of fifty, each by the table that suits it best. */
function writeSymbols(symbols: Uint16Array, alphabet: number, out: BitWriter): void {
  const count = symbols.length < 200 ? 2 : symbols.length < 600 ? 3 : symbols.length < 1200 ? 4 : symbols.length < 2400 ? 5 : 6;
  const groups = Math.ceil(symbols.length / GROUP);
  const selectors = new Uint8Array(groups);
  let tables = firstTables(symbols, alphabet, count);
  for (let round = 0; round < ROUNDS; round++) {
    const frequencies = tables.map(() => new Uint32Array(alphabet));
    for (let group = 0; group < groups; group++) {
      const part = symbols.subarray(group * GROUP, (group + 1) * GROUP);
      const costs = tables.map((lengths) => part.reduce((sum, symbol) => sum + (lengths[symbol] as number), 0));
      const best = costs.indexOf(Math.min(...costs));
      selectors[group] = best;
      const counts = frequencies[best] as Uint32Array;
      for (const symbol of part) counts[symbol] = (counts[symbol] as number) + 1;
    }
    tables = frequencies.map((counts) => codeLengths(counts));
  }
  out.write(3, count);
  out.write(15, groups);
  writeSelectors(selectors, count, out);
  for (const lengths of tables) writeLengths(lengths, out);
  const codes = tables.map(codesOf);
  for (let group = 0; group < groups; group++) {
    const selected = selectors[group] as number;
    const lengths = tables[selected] as Uint8Array;
    const code = codes[selected] as Uint32Array;
    const end = Math.min(symbols.length, (group + 1) * GROUP);
    for (let i = group * GROUP; i < end; i++) out.write(lengths[symbols[i] as number] as number, code[symbols[i] as number] as number);
  }
}

/** Each table starts cheap for a range of symbols that occur equally often. */
function firstTables(symbols: Uint16Array, alphabet: number, count: number): Uint8Array[] {
  const frequencies = new Uint32Array(alphabet);
  for (const symbol of symbols) frequencies[symbol] = (frequencies[symbol] as number) + 1;
  const tables: Uint8Array[] = [];
  let from = 0;
  let rest = symbols.length;
  for (let table = 0; table < count; table++) {
    const share = rest / (count - table);
    let sum = 0;
    let to = from;
    while (to < alphabet && (sum < share || to === from)) sum += frequencies[to++] as number;
    const [low, high] = [from, table === count - 1 ? alphabet : to];
    tables.push(Uint8Array.from({ length: alphabet }, (_, symbol) => (symbol >= low && symbol < high ? 1 : 15)));
    rest -= sum;
    from = to;
  }
  return tables;
}

function writeSelectors(selectors: Uint8Array, count: number, out: BitWriter): void {
  const recent = Array.from({ length: count }, (_, i) => i);
  for (const selector of selectors) {
    const position = recent.indexOf(selector);
    recent.splice(position, 1);
    recent.unshift(selector);
    for (let i = 0; i < position; i++) out.write(1, 1);
    out.write(1, 0);
  }
}

/** The first length, then steps up (10) and down (11) to each next one (0). */
function writeLengths(lengths: Uint8Array, out: BitWriter): void {
  let current = lengths[0] as number;
  out.write(5, current);
  for (const length of lengths) {
    for (; current < length; current++) out.write(2, 2);
    for (; current > length; current--) out.write(2, 3);
    out.write(1, 0);
  }
}
