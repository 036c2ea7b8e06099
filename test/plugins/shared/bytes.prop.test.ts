import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteSearch, type PairOf } from '../../../src/plugins/shared/byte-search.js';
import { scanLines } from '../../../src/plugins/shared/line-scan.js';
import { scanBytes } from '../../../src/plugins/shared/scan-bytes.js';
import { transcode } from '../../../src/plugins/shared/transcode.js';

/** One buffer, used again for every chunk, as file readers do. */
async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    buffer.set(part);
    yield buffer.subarray(0, part.length);
  }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of source) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

test('counts, needles and hash do not depend on the chunks', async () => {
  const content = fc.array(fc.constantFrom('a', '\n', '\r', '\r\n', '"', '" ', '//'), { maxLength: 30 }).map((parts) => Buffer.from(parts.join('')));
  await fc.assert(
    fc.asyncProperty(content, fc.integer({ min: 1, max: 7 }), fc.boolean(), async (bytes, size, fast) => {
      const facts = await scanBytes(inChunks(bytes, size), {
        hash: true,
        needles: [Buffer.from('"'), Buffer.from('" '), Buffer.from('//')],
        ...(fast ? { search: new ByteSearch(5) } : {}),
      });
      const text = bytes.toString('latin1');
      const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
      assert.equal(facts, {
        bytes: bytes.length,
        lf: count(/\n/g),
        cr: count(/\r/g),
        crlf: count(/\r\n/g),
        last: bytes.at(-1) ?? -1,
        needles: ['"', '" ', '//'].map((needle) => text.indexOf(needle)),
        hash: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
        utf8: true,
      });
    }),
  );
});

test('the fast search finds what a plain one finds', () => {
  const search = new ByteSearch(300);
  const content = fc.array(fc.integer({ min: 9, max: 13 }), { maxLength: 300 }).map((bytes) => Uint8Array.from(bytes));
  fc.assert(
    fc.property(content, fc.nat({ max: 40 }), fc.boolean(), (bytes, from, inRoom) => {
      if (inRoom) search.room.set(bytes);
      const part = (inRoom ? search.room.subarray(0, bytes.length) : Buffer.from(bytes)).subarray(from);
      const expected = [...bytes.subarray(from)];
      const pairs = expected.flatMap((byte, i) => (byte === 13 && expected[i + 1] === 10 ? [i] : []));
      const view = search.take(part);
      assert.ok(view);
      const pair: PairOf = { first: 13, firstBelow: 10, bits: 2, second: 14, secondBelow: 10 };
      const isPair = (byte: number, i: number): boolean =>
        (byte === 13 || byte < 10) && i + 1 < expected.length && (((expected[i + 1] as number) | 2) === 14 || (expected[i + 1] as number) < 10);
      assert.is(view.hasPairOf(pair), expected.some(isPair));
      assert.equal(
        [view.countByte(10), view.countPair(13, 10), view.findPair(13, 10)],
        [expected.filter((byte) => byte === 10).length, pairs.length, pairs[0] ?? -1],
      );
    }),
    { numRuns: 500 },
  );
  assert.is(search.take(new Uint8Array(301)), undefined);
});

test('lines are counted alike with and without the fast search', async () => {
  const byte = fc.constantFrom(0x61, 0x62, 0x20, 0x09, 0x0d, 0x0a, 0x0a, 0xef);
  await fc.assert(
    fc.asyncProperty(fc.array(byte, { maxLength: 120 }), fc.integer({ min: 1, max: 40 }), async (content, size) => {
      const bytes = Uint8Array.from(content);
      const { signal } = new AbortController();
      const plain = await scanLines(inChunks(bytes, size), signal);
      const fast = await scanLines(inChunks(bytes, size), signal, { search: new ByteSearch(30) });
      assert.equal({ ...fast, longestLine: 0 }, { ...plain, longestLine: 0 });
      assert.ok(fast.longestLine >= plain.longestLine && fast.longestLine <= Math.max(plain.longestLine, size));
    }),
    { numRuns: 1000 },
  );
});

test('malformed UTF-8 is found wherever the chunks end', async () => {
  const piece = fc.constantFrom(
    [0x61],
    [0xc3, 0xa9],
    [0xe3, 0x81, 0x82],
    [0xf0, 0x9f, 0x98, 0x80],
    [0x80],
    [0xe3, 0x81],
    [0xf0, 0x9f, 0x98],
    [0xff],
    [0xc0],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 10 }), fc.integer({ min: 1, max: 5 }), async (parts, size) => {
      const bytes = Uint8Array.from(parts.flat());
      assert.is((await scanBytes(inChunks(bytes, size), { utf8: true })).utf8, isUtf8(bytes));
    }),
    { numRuns: 2000 },
  );
});

test('UTF-16 comes back as it was written; lone surrogates become bytes that are no UTF-8', async () => {
  const unit = fc.constantFrom('a', 'é', 'あ', '😀', '\ufffd', '\n', '\ud83d', '\ude00');
  await fc.assert(
    fc.asyncProperty(fc.array(unit, { maxLength: 12 }), fc.integer({ min: 1, max: 5 }), fc.boolean(), async (units, size, bigEndian) => {
      const text = units.join('');
      const bytes = Buffer.from(text, 'utf16le');
      if (bigEndian) bytes.swap16();
      const found = await collect(transcode(inChunks(bytes, size), bigEndian ? 'utf-16be' : 'utf-16le'));
      const wanted = Buffer.concat([...text].map((c) => (/^[\ud800-\udfff]$/.test(c) ? Buffer.from([0xff]) : Buffer.from(c))));
      assert.ok(found.equals(wanted), `${found.toString('hex')} is not ${wanted.toString('hex')}`);
    }),
  );
});

test('malformed bytes of legacy charsets are marked, well-formed ones are not', async () => {
  for (const size of [1, 2, 3, 100]) {
    const sjis = Buffer.from([0x82, 0xa0, 0x2c, 0x83, 0x0a, 0x61]);
    assert.equal(
      await collect(transcode(inChunks(sjis, size), 'shift_jis')),
      Buffer.concat([Buffer.from('あ,'), Buffer.from([0xff]), Buffer.from('\na')]),
    );
    assert.equal(await collect(transcode(inChunks(Buffer.from([0xe9, 0x0a]), size), 'windows-1252')), Buffer.from('é\n'));
    assert.equal(await collect(transcode(inChunks(Buffer.from([0xa4]), size), 'euc-jp')), Buffer.from([0xff]));
  }
});

test('a byte that stands everywhere is counted to the last', () => {
  const search = new ByteSearch(20_000);
  search.room.fill(10);
  for (const length of [0, 15, 16, 17, 4079, 4080, 4081, 4096, 8160, 8177, 20_000])
    for (const from of [0, 1]) {
      const chunk = search.room.subarray(from, Math.max(from, length));
      assert.is(search.take(chunk)?.countByte(10), chunk.length, `${length} from ${from}`);
      assert.is(search.take(chunk)?.countByte(13), 0);
    }
});

test.run();
