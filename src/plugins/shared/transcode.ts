/** A byte that occurs nowhere in UTF-8: stands where the source's bytes were malformed, so that the record is rejected there. */
const MALFORMED = Uint8Array.of(0xff);
const REPLACEMENT = '\uFFFD';

/**
 * Text of another charset as UTF-8. Malformed bytes are never replaced in silence: each becomes one byte that is no
 * UTF-8. (A genuine U+FFFD counts as malformed in every charset but UTF-16, since no other legacy charset but gb18030 can write it.)
 */
export async function* transcode(source: AsyncIterable<Uint8Array>, charset: string): AsyncGenerator<Uint8Array> {
  const decoder = createTranscoder(charset);
  for await (const chunk of source) {
    const bytes = decoder(chunk, false);
    if (bytes.length > 0) yield bytes;
  }
  const rest = decoder(new Uint8Array(0), true);
  if (rest.length > 0) yield rest;
}

/** Gives the UTF-8 of each chunk; `last` also of what was held back. */
export type Transcoder = (chunk: Uint8Array, last: boolean) => Uint8Array;

export function createTranscoder(charset: string): Transcoder {
  return charset === 'utf-16le' || charset === 'utf-16be' ? createUtf16Decoder(charset === 'utf-16be') : createDecoder(charset);
}

function createDecoder(charset: string): Transcoder {
  const decoder = new TextDecoder(charset);
  return (chunk, last) => encode(decoder.decode(chunk, { stream: !last }).split(REPLACEMENT));
}

/** TextDecoder would hide the difference between a lone surrogate and U+FFFD; Buffer keeps it. */
function createUtf16Decoder(bigEndian: boolean): Transcoder {
  let carry = Buffer.alloc(0);
  let start = true;
  return (chunk, last) => {
    let bytes = Buffer.concat([carry, chunk]);
    const odd = bytes.length % 2;
    carry = Buffer.from(bytes.subarray(bytes.length - odd));
    bytes = bytes.subarray(0, bytes.length - odd);
    if (bigEndian) bytes.swap16();
    let text = bytes.toString('utf16le');
    if (!last && /[\uD800-\uDBFF]$/.test(text)) {
      const high = Buffer.from(bytes.subarray(bytes.length - 2));
      carry = Buffer.concat([bigEndian ? high.swap16() : high, carry]);
      text = text.slice(0, -1);
    }
    if (start && text.length > 0) {
      start = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    const parts = text.split(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/);
    if (last && carry.length > 0) parts.push('');
    return encode(parts);
  };
}

function encode(parts: readonly string[]): Uint8Array {
  if (parts.length === 1) return Buffer.from(parts[0] as string);
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [Buffer.from(part)] : [MALFORMED, Buffer.from(part)])));
}
