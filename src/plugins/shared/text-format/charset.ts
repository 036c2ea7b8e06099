import { DataError } from '../../../core/spi/index.js';

export function isUtf8(label: string): boolean {
  return nameOf(label) === 'utf-8';
}

/** Whether ASCII characters take more than their one byte. */
export function isWide(name: string): boolean {
  return name === 'utf-16le' || name === 'utf-16be';
}

/** The WHATWG name of a charset label, or undefined when there is none. */
export function nameOf(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** UTF-8 bytes as the bytes of another charset. Throws DataError CHARSET_CANNOT for a character it does not have. */
export async function* encodeText(source: AsyncIterable<Uint8Array>, label: string, bom: boolean): AsyncGenerator<Uint8Array> {
  const name = nameOf(label) ?? 'utf-8';
  const encode = encoderOf(name);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let mark = bom ? '\uFEFF' : '';
  for await (const chunk of source) {
    const text = mark + decoder.decode(chunk, { stream: true });
    mark = '';
    if (text !== '') yield encode(text);
  }
  const rest = mark + decoder.decode();
  if (rest !== '') yield encode(rest);
}

function encoderOf(name: string): (text: string) => Uint8Array {
  switch (name) {
    case 'utf-8':
      return (text) => Buffer.from(text);
    case 'utf-16le':
      return (text) => Buffer.from(text, 'utf16le');
    case 'utf-16be':
      return (text) => Buffer.from(text, 'utf16le').swap16();
    default:
      return tableEncoder(name);
  }
}

function tableEncoder(name: string): (text: string) => Uint8Array {
  const table = tableOf(name);
  return (text) => {
    const out = Buffer.allocUnsafe(text.length * 4);
    let length = 0;
    for (const char of text) {
      const code = char.codePointAt(0) as number;
      const bytes = code < 0x80 ? code : table.get(code);
      if (bytes === undefined) throw cannotWrite(char, name);
      if (bytes > 0xffffff) out[length++] = bytes >>> 24;
      if (bytes > 0xffff) out[length++] = (bytes >> 16) & 0xff;
      if (bytes > 0xff) out[length++] = (bytes >> 8) & 0xff;
      out[length++] = bytes & 0xff;
    }
    return out.subarray(0, length);
  };
}

function cannotWrite(char: string, name: string): DataError {
  const code = (char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
  return new DataError({
    code: 'CHARSET_CANNOT',
    message: `charset ${name} has no character ${JSON.stringify(char)} (U+${code})`,
    hint: 'use charset: utf-8, or drop such characters with a filter',
  });
}

const tables = new Map<string, ReadonlyMap<number, number>>();

/** What the platform decodes, turned round. Of several spellings the first in byte order wins, as in the WHATWG encoders. */
function tableOf(name: string): ReadonlyMap<number, number> {
  const known = tables.get(name);
  if (known !== undefined) return known;
  const table = new Map<number, number>();
  const decoder = new TextDecoder(name, { fatal: true });
  const offer = (...bytes: number[]): boolean => {
    let text: string;
    try {
      text = decoder.decode(Uint8Array.from(bytes));
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
    const code = text.codePointAt(0);
    if (code !== undefined && String.fromCodePoint(code) === text && !table.has(code))
      table.set(
        code,
        bytes.reduce((all, byte) => all * 256 + byte, 0),
      );
    return true;
  };
  for (let a = 0x80; a < 0x100; a++) {
    // NEC's selection of IBM's characters, which the WHATWG encoder leaves out.
    if (offer(a) || (name === 'shift_jis' && (a === 0xed || a === 0xee))) continue;
    for (let b = 0x30; b < 0x100; b++) {
      if (offer(a, b) || a !== 0x8f || name !== 'euc-jp') continue;
      for (let c = 0xa1; c < 0xff; c++) offer(a, b, c);
    }
  }
  tables.set(name, table);
  return table;
}
