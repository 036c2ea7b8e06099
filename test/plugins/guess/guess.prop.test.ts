import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse as parseYaml } from 'yaml';
import { writeConfigYaml } from '../../../src/core/engine/guess/index.js';
import type { JsonObject } from '../../../src/core/spi/index.js';
import { convertedRows, openLab, type Lab } from '../parser-json/lab.js';
import { guessBytes } from './lab.js';
import csv from '../../../src/plugins/parser-csv/index.js';
import type { CsvConfig } from '../../../src/plugins/parser-csv/schema.js';
import { place } from '../parser-json/lab.js';

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after(() => lab.close());

const runs = (count: number): { numRuns: number } => ({ numRuns: process.env['SLUICE_ROUNDS'] === 'full' ? 20 * count : count });

test('any bytes give a config or nothing, never a crash, and it survives YAML', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .string({
        maxLength: 200,
        unit: fc.constantFrom('a', '1', ',', ';', '"', "'", '\n', '\r', '\t', '\\', ' ', '#', '{', '}', '[', ':', 'é', '0', '.', '-', '/'),
      })
      .map((s) => Buffer.from(s)),
  );
  await fc.assert(
    fc.asyncProperty(bytes, fc.boolean(), async (sample, complete) => {
      const guessed = await guessBytes(lab, sample, {}, { complete, decode: () => new Uint8Array(0) });
      const config: JsonObject = { in: guessed.in };
      assert.equal(parseYaml(writeConfigYaml(config, guessed)), config);
    }),
    runs(120),
  );
});

test('what guess proposes reads its own sample: same rows, no reject, no value lost', async () => {
  const cell = fc.oneof(
    fc.integer().map(String),
    fc.constantFrom(
      '',
      'x',
      'N/A',
      'true',
      '2024-01-02',
      '2024-01-02 03:04:05',
      '1.25',
      '007',
      '1e5',
      'a,b',
      'say "hi"',
      '12345678901234567890',
      '01/02/2024',
      '{"a":1}',
    ),
  );
  const table = fc
    .integer({ min: 2, max: 4 })
    .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }));
  const quoted = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  await fc.assert(
    fc.asyncProperty(table, async (rows) => {
      const header = rows[0]?.map((_, i) => `col_${'abcd'[i] ?? ''}`) ?? [];
      const source = `${[header, ...rows].map((row) => row.map(quoted).join(',')).join('\n')}\n`;
      const guessed = await guessBytes(lab, source);
      const parser = guessed.in['parser'] as JsonObject;
      // Without a type that tells the header, or with cells that look like other dialects, guess may see another table.
      if (parser['columns'] === undefined || parser['skip_header_lines'] !== 1 || parser['delimiter'] !== ',' || parser['quote'] !== '"') return;
      const file = await lab.file(source);
      const config = parser as unknown as CsvConfig;
      const plan = await csv.plan(config, [file], { ...lab.ctx, place, memory: undefined, sql: lab.sql });
      let reading = await csv.open([file], plan, config, lab.ctx);
      let got = await convertedRows(reading, lab.sql);
      const verdict = await reading.check(got.length);
      if (!verdict.keep) {
        await reading.close();
        reading = verdict.instead;
        got = await convertedRows(reading, lab.sql);
      }
      await reading.close();
      const filled = rows.filter((row) => row.some((value) => value !== '') || row.length > 1);
      assert.is(got.length, filled.length);
      filled.forEach((row, r) =>
        row.forEach((text, c) => {
          if (text !== '')
            assert.is.not(Object.values(got[r] ?? {})[c], null, `${text} as ${JSON.stringify((parser['columns'] as JsonObject[])[c])}`);
        }),
      );
    }),
    runs(60),
  );
});

test.run();
