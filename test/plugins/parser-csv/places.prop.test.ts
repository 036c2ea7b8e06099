import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../../src/core/spi/index.js';
import { openLab, type CsvLab } from './harness.js';

let lab: CsvLab;
test.before(async () => void (lab = await openLab()));
test.after(() => lab.close());

const columns = ['a', 'b'].map((name): JsonObject => ({ name, type: 'string' }));

test('both lanes give the same places: newlines, byte order mark, no last newline, several files', async () => {
  const value = fc.constantFrom('x', 'é', '"q"', '"a, b"', '', 'long '.repeat(20));
  const file = fc.record({
    lines: fc.array(fc.tuple(value, value), { maxLength: 12 }),
    mark: fc.boolean(),
    ended: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(file, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.boolean(),
      async (parts, newline, header) => {
        const files = await Promise.all(
          parts.map(({ lines, mark, ended }, i) => {
            const records = [...(header ? ['a,b'] : []), ...lines.map((pair) => pair.join(','))];
            const text = records.join(newline) + (ended && records.length > 0 ? newline : '');
            return lab.file(`${mark ? '\ufeff' : ''}${text}`, `places-${i}.csv`);
          }),
        );
        const config = { columns, ...(header ? { skip_header_lines: 1, match_columns: 'position' } : {}) };
        const native = await lab.read(config, files, { places: true });
        const own = await lab.read(config, files, { places: true, forceOwn: true });
        assert.equal(native.rows, own.rows);
        assert.equal(native.places, own.places);
      },
    ),
    { numRuns: 60 },
  );
});

test('places within large files, also in lines that lie across the pieces they are read in', async () => {
  const rows = Array.from({ length: 9000 }, (_, i) => `${i},${'x'.repeat(1000 + (i % 97))}`);
  const file = await lab.file(`${rows.join('\n')}\n`, 'large.csv');
  const { lane, places } = await lab.read({ columns }, [file], { places: true });
  assert.is(lane, 'native');
  assert.equal(
    places.map((p) => p.raw),
    rows,
  );
  assert.is(places[8999]?.byteOffset, Buffer.byteLength(rows.slice(0, 8999).join('\n')) + 1);
});

test.run();
