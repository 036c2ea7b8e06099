import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../../src/core/spi/index.js';
import { openLab, type CsvLab } from './harness.js';
import { parseReference } from './reference.js';

let lab: CsvLab;
test.before(async () => void (lab = await openLab()));
test.after(() => lab.close());

const RUNS = Number(process.env['FC_RUNS'] ?? 150);
const columns = (n: number): JsonObject[] => Array.from({ length: n }, (_, i) => ({ name: `c${i}`, type: 'string' }));

test('the scanner does what the plain reference does, in every mode', async () => {
  const rules = fc.record({
    delimiter: fc.constantFrom(',', ';;', ' ', 'é'),
    quote: fc.constantFrom('"', '"', "'", null),
    escape: fc.constantFrom('"', '\\', '\\', null),
    comment: fc.constantFrom(null, null, '#', '//'),
    trim: fc.boolean(),
    stray: fc.boolean(),
    maxQuoted: fc.constantFrom(Infinity, Infinity, 2),
    skip: fc.integer({ min: 0, max: 1 }),
    columns: fc.integer({ min: 1, max: 3 }),
    extra: fc.boolean(),
    optional: fc.boolean(),
    nullString: fc.constantFrom(null, 'N', ''),
  });
  const content = fc.array(
    fc.constantFrom('a', 'N', '\\', 'Q', 'Q', 'QaQ', 'D', 'D', 'QD', 'DQ', '#', '//', '\n', '\n', '\r\n', '\r', ' ', '😀', '\\Q'),
    { maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(rules, content, async (r, parts) => {
      const text = parts
        .join('')
        .replaceAll('D', r.delimiter)
        .replaceAll('Q', r.quote ?? '"');
      const config: JsonObject = {
        columns: columns(r.columns),
        delimiter: r.delimiter,
        quote: r.quote,
        escape: r.escape,
        comment_line_marker: r.comment,
        trim_if_not_quoted: r.trim,
        quotes_in_quoted_fields: r.stray ? 'ACCEPT_STRAY_QUOTES_ASSUMING_NO_DELIMITERS_IN_FIELDS' : 'ACCEPT_ONLY_RFC4180_ESCAPED',
        ...(r.maxQuoted === Infinity ? {} : { max_quoted_size_limit: r.maxQuoted }),
        skip_header_lines: r.skip,
        match_columns: 'position',
        allow_extra_columns: r.extra,
        allow_optional_columns: r.optional,
        null_string: r.nullString,
      };
      const wanted = parseReference(text, r);
      const { rows, rejects } = await lab.read(config, [await lab.file(text, 'reference.csv')], { forceOwn: true });
      assert.equal(rows, wanted.rows);
      assert.equal(
        rejects.map((reject) => reject.recordNumber),
        wanted.rejected,
      );
    }),
    { numRuns: RUNS * 4 },
  );
});

const value = fc
  .array(fc.constantFrom('a', 'b', ' ', ',', '"', '\n', '\r', '\\', 'é', '😀', '#', '\t'), { maxLength: 6 })
  .map((parts) => parts.join(''));
const cell = fc.option(value, { nil: null });

function write(row: readonly (string | null)[], always: boolean): string {
  return row.map((v) => (v === null ? '' : always || v === '' || /[",\r\n]|^ /.test(v) ? `"${v.replaceAll('"', '""')}"` : v)).join(',');
}

test('what RFC 4180 writes comes back, in both lanes, and csv-parse agrees', async () => {
  const table = fc
    .integer({ min: 2, max: 4 })
    .chain((n) => fc.array(fc.tuple(fc.array(cell, { minLength: n, maxLength: n }), fc.boolean()), { minLength: 1, maxLength: 8 }));
  await fc.assert(
    fc.asyncProperty(table, async (records) => {
      const rows = records.map(([row]) => row);
      const text = records.map(([row, always]) => `${write(row, always)}\n`).join('');
      const file = await lab.file(text, 'rfc.csv');
      const config = { columns: columns(rows[0]?.length ?? 0) };
      for (const forceOwn of [false, true]) {
        const result = await lab.read(config, [file], { forceOwn });
        assert.equal(result.rows, rows);
        assert.equal(result.rejects, []);
      }
      const theirs = parse(text, { record_delimiter: '\n' }) as string[][];
      assert.equal(
        theirs,
        rows.map((row) => row.map((v) => v ?? '')),
      );
    }),
    { numRuns: RUNS },
  );
});

test.run();
