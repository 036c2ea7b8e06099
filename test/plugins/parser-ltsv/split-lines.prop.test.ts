import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { splitLines, type NewlineRule } from '../../../src/plugins/shared/split-lines.js';

const SPLITS: Readonly<Record<NewlineRule, RegExp>> = { any: /\r\n|\r|\n/, LF: /\n/, CR: /\r/, CRLF: /\r\n/ };

/** The definition: split, skip, leave out empty lines; each with the bytes before it. */
function reference(text: string, rule: NewlineRule, skip: number): readonly (readonly [number, string])[] {
  const found: [number, string][] = [];
  let rest = text.startsWith('\uFEFF') ? text.slice(1) : text;
  let offset = Buffer.byteLength(text) - Buffer.byteLength(rest);
  for (let number = 0; ; number++) {
    const newline = SPLITS[rule].exec(rest);
    const line = newline ? rest.slice(0, newline.index) : rest;
    if (line !== '' && number >= skip) found.push([offset, line]);
    if (!newline) return found;
    const length = newline.index + newline[0].length;
    offset += Buffer.byteLength(rest.slice(0, length));
    rest = rest.slice(length);
  }
}

async function* pieces(bytes: Buffer, step: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(step);
  for (let at = 0; at < bytes.length; at += step) {
    const piece = bytes.subarray(at, at + step);
    buffer.set(piece);
    yield Promise.resolve(buffer.subarray(0, piece.length));
  }
}

const texts = fc.string({ unit: fc.constantFrom('a', 'é', '\u{1F680}', '\r', '\n', '\r\n', '\uFEFF'), maxLength: 40 });
const rules = fc.constantFrom<NewlineRule[]>('any', 'LF', 'CR', 'CRLF');

test('lines and their offsets are those of the definition, however the bytes come', () =>
  fc.assert(
    fc.asyncProperty(texts, rules, fc.nat(3), fc.integer({ min: 1, max: 9 }), async (text, newlines, skipLines, step) => {
      const found: [number, string][] = [];
      for await (const batch of splitLines(pieces(Buffer.from(text), step), { newlines, skipLines }))
        for (const { offset, buffer, start, end } of batch) found.push([offset, buffer.toString('utf8', start, end)]);
      assert.equal(found, reference(text, newlines, skipLines));
    }),
    { numRuns: 500 },
  ));

test.run();
