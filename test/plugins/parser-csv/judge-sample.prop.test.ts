import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { judgeSample } from '../../../src/plugins/parser-csv/judge-sample.js';
import { readDialect } from '../../../src/plugins/parser-csv/options.js';
import type { CsvConfig } from '../../../src/plugins/parser-csv/schema.js';

const PIECES = ['a', 'bc', ',', ',', ',', '"', '""', '"x,y"', '"x\ny"', '\n', '\n', 'a,b\n', '"a",b\n', 'c,d\n', '\r\n', ' ', 'é', '\uFEFF', '#'];

test('the quick look at a sample finds fault where the scanner of records does', () => {
  const found = new Set<string | undefined>();
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 1 }),
      fc.constantFrom('"', null),
      (pieces, complete, skipLines, quote) => {
        const config = { type: 'csv', columns: ['x', 'y'].map((name) => ({ name, type: 'string' })), skip_header_lines: skipLines, quote };
        const dialect = readDialect(config as unknown as CsvConfig);
        // A sample may end anywhere, within a character too.
        const bytes = Buffer.from(pieces.join(''));
        const head = { bytes: complete ? bytes : bytes.subarray(0, Math.max(0, bytes.length - 1)), complete };
        // A limit of quoted values, however large, has each record looked at.
        const scanned = judgeSample(head, { ...dialect, maxQuoted: 1e9 });
        found.add(scanned);
        assert.is(judgeSample(head, { ...dialect, maxQuoted: Infinity }), scanned, JSON.stringify([head.bytes.toString(), dialect.quote]));
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(found.size >= 3, 'clean, broken and misshapen samples');
});

test.run();
