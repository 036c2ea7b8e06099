import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../../src/core/spi/index.js';
import { openLab, type CsvLab } from './harness.js';

let lab: CsvLab;
test.before(async () => void (lab = await openLab()));
test.after(() => lab.close());

const RUNS = Number(process.env['FC_RUNS'] ?? 100);

/** Text that is dense in everything that is special. */
const text = (alphabet: readonly string[], maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...alphabet), { maxLength }).map((parts) => parts.join(''));
const columns = (n: number): JsonObject[] => Array.from({ length: n }, (_, i) => ({ name: `c${i}`, type: 'string' }));

const taken = { native: 0, own: 0, redo: 0, nativeWithRejects: 0 };

async function compare(config: JsonObject, contents: readonly (string | Uint8Array)[]): Promise<void> {
  const files = [];
  for (const content of contents) files.push(await lab.file(content, `prop${files.length}.csv`));
  const routed = await lab.read(config, files, { places: true });
  const own = await lab.read(config, files, { places: true, forceOwn: true });
  taken[routed.lane]++;
  if (routed.lane === 'native' && routed.rejects.length > 0) taken.nativeWithRejects++;
  const told = `${routed.lane} (${routed.reason ?? ''})`;
  assert.equal(routed.rows, own.rows, `rows, ${told}`);
  assert.equal(routed.rejects, own.rejects, `rejects, ${told}`);
  assert.equal(routed.places, own.places, `places, ${told}`);
  assert.equal(routed.verdict.read, own.verdict.read);
  assert.equal(routed.verdict.files, own.verdict.files);
}

/** Clean rows of more than the sample, so that the native lane meets what follows without a warning. */
function prefix(n: number, newline = '\n'): string {
  const row = Array.from({ length: n }, () => 'x'.repeat(10_000)).join(',') + newline;
  return row.repeat(Math.ceil((1.1 * 1048576) / row.length));
}

/** Every record's bytes are in the file where its place says. */
async function checkPlaces(config: JsonObject, content: string): Promise<void> {
  const bytes = Buffer.from(content);
  const { rejects, places, rows } = await lab.read(config, [await lab.file(content, 'places.csv')], { places: true });
  assert.is(places.length, rows.length);
  const numbers = new Set<number>();
  for (const { recordNumber, byteOffset, raw } of [...rejects, ...places]) {
    assert.is(bytes.toString('utf8', byteOffset ?? -1, (byteOffset ?? -1) + Buffer.byteLength(raw ?? '')), raw);
    numbers.add(recordNumber ?? -1);
  }
  assert.equal(
    [...numbers].sort((a, b) => a - b),
    Array.from({ length: rejects.length + rows.length }, (_, i) => i + 1),
  );
}

test('both lanes give the same rows, rejects and places on plain files', async () => {
  await fc.assert(
    fc.asyncProperty(
      text(['a', 'b', ',', ',', '\n', '\n', ' ', '1'], 60),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 2 }),
      (content, n, skip) => compare({ columns: columns(n), skip_header_lines: skip, match_columns: 'position' }, [content]),
    ),
    { numRuns: RUNS },
  );
});

test('both lanes agree on quotes, spaces and broken quotes', async () => {
  await fc.assert(
    fc.asyncProperty(text(['a', '"', '"', ',', '\n', ' ', '""', '"x"', '"x",', '\n"'], 40), fc.integer({ min: 1, max: 3 }), (content, n) =>
      compare({ columns: columns(n) }, [content]),
    ),
    { numRuns: RUNS * 2 },
  );
});

test('both lanes agree on newlines of all kinds', async () => {
  await fc.assert(
    fc.asyncProperty(text(['a', ',', '"', '\r\n', '\r\n', '\n', '\r', 'b,c\r\n', '"x\ny",'], 30), fc.integer({ min: 1, max: 2 }), (content, n) =>
      compare({ columns: columns(n) }, [content]),
    ),
    { numRuns: RUNS },
  );
});

test('both lanes agree on files of one kind of newline', async () => {
  await fc.assert(
    fc.asyncProperty(text(['a', ',', '"', ' ', '\n', 'b,c\n', '"x\ny",'], 30), fc.constantFrom('\r\n', '\r', '\n'), (content, newline) =>
      compare({ columns: columns(2) }, [content.replaceAll('\n', newline)]),
    ),
    { numRuns: RUNS },
  );
});

test('both lanes agree on dialects', async () => {
  const config = fc.record(
    {
      delimiter: fc.constantFrom(',', '\t', '::', ' ', 'あ', '::::::'),
      quote: fc.constantFrom('"', "'", null),
      escape: fc.constantFrom('"', '\\', null),
      null_string: fc.constantFrom('', 'NULL', '\\N', 'a'),
      comment_line_marker: fc.constantFrom('#', '//'),
      trim_if_not_quoted: fc.boolean(),
      allow_optional_columns: fc.boolean(),
      allow_extra_columns: fc.boolean(),
      quotes_in_quoted_fields: fc.constantFrom('ACCEPT_ONLY_RFC4180_ESCAPED', 'ACCEPT_STRAY_QUOTES_ASSUMING_NO_DELIMITERS_IN_FIELDS'),
      newline: fc.constantFrom('LF', 'CRLF'),
      max_quoted_size_limit: fc.constantFrom(1, 3),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(
      config,
      text(['a', 'NULL', '\\', '\\N', '"', "'", '#', '//', '\n', '\n', ' ', 'D', 'D', '"D', 'D"', '"xD"', '\r\n'], 30),
      (options, shape) => {
        const delimiter = (options.delimiter as string | undefined) ?? ',';
        if ((options.null_string ?? '').includes(delimiter)) return Promise.resolve();
        return compare({ columns: columns(2), ...(options as JsonObject) }, [shape.replaceAll('D', delimiter)]);
      },
    ),
    { numRuns: RUNS * 2 },
  );
});

test('both lanes agree on malformed UTF-8, byte order marks and several files', async () => {
  const piece = fc.constantFrom([0x61], [0x2c], [0x0a], [0xff], [0xc3, 0xa9], [0xe3, 0x81, 0x82], [0xe3, 0x81], [0x22], [0xef, 0xbb, 0xbf]);
  const file = fc.array(piece, { maxLength: 20 }).map((parts) => Uint8Array.from(parts.flat()));
  await fc.assert(
    fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 3 }), (contents) => compare({ columns: columns(2) }, contents)),
    { numRuns: RUNS },
  );
});

test('both lanes agree on large files, whatever stands where the reader takes its next buffer', async () => {
  const shapes = fc.array(fc.constantFrom('a,b', '"x\ny",b', '"q""q",', ',"é,é"', 'long,"' + 'z'.repeat(70_000) + '\n"', 'w'.repeat(30_011) + ',1'), {
    minLength: 40,
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(shapes, (lines) => {
      const block = `${lines.join('\n')}\n`;
      return compare({ columns: columns(2) }, [block.repeat(Math.ceil(26e6 / Buffer.byteLength(block)))]);
    }),
    { numRuns: Math.max(2, Math.ceil(RUNS / 50)) },
  );
});

test('every place names the bytes of its record', async () => {
  await fc.assert(
    fc.asyncProperty(text(['a', '"', ',', '\n', 'é', '\r\n', '"x\ny",', 'b,c\n'], 40), (content) => checkPlaces({ columns: columns(2) }, content)),
    { numRuns: RUNS },
  );
});

test('both lanes agree on what only turns up after the sample', async () => {
  const tail = text(['a', 'b', ',', '"', '"', ',', '\n', '\n', ' ', '"x"', '"x",', '\n"', '\r', 'b,c\n', 'b,c\n', '"x\ny",', '" "'], 30);
  const before = { ...taken };
  await fc.assert(
    fc.asyncProperty(tail, fc.integer({ min: 1, max: 3 }), fc.boolean(), (content, n, more) =>
      compare({ columns: columns(n) }, [prefix(n) + content + (more ? `\n${prefix(n)}` : '')]),
    ),
    { numRuns: RUNS / 4 },
  );
  assert.ok(taken.native > before.native && taken.redo > before.redo, 'both outcomes of the check must have been met');
});

test('both lanes agree on few and many columns after the sample', async () => {
  const tail = text(['a', ',', ',', '\n', 'b,c\n', 'b,c\n', '""', '"x\ny",', '\n\n'], 30);
  await fc.assert(
    fc.asyncProperty(tail, fc.constantFrom('\n', '\r\n', '\r'), (content, newline) =>
      compare({ columns: columns(2) }, [(prefix(2, '\n') + content).replaceAll('\n', newline)]),
    ),
    { numRuns: RUNS / 4 },
  );
  assert.ok(taken.nativeWithRejects > 0, 'a native result with rejects must have been kept');
});

test.run();
