const VALID = new Set([...'"\\/bfnrtu'].map((c) => c.charCodeAt(0)));
const BACKSLASH = 0x5c;

/** Removes escapes that JSON does not know: `\a` becomes nothing (SKIP) or `a` (UNESCAPE). A last lone backslash goes, too. */
export async function* mendEscapes(source: AsyncIterable<Uint8Array>, mode: 'SKIP' | 'UNESCAPE'): AsyncGenerator<Uint8Array> {
  let open = false;
  for await (const chunk of source) {
    const out = Buffer.alloc(chunk.length + 1);
    let n = 0;
    for (const byte of chunk) {
      if (open) {
        open = false;
        if (VALID.has(byte)) {
          out[n++] = BACKSLASH;
          out[n++] = byte;
        } else if (mode === 'UNESCAPE') out[n++] = byte;
      } else if (byte === BACKSLASH) open = true;
      else out[n++] = byte;
    }
    yield out.subarray(0, n);
  }
}
