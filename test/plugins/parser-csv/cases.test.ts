import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conversionSql } from '../../../src/core/engine/typing/index.js';
import { quoteLiteral, type JsonObject, type SourceColumn } from '../../../src/core/spi/index.js';
import csv from '../../../src/plugins/parser-csv/index.js';
import type { CsvConfig } from '../../../src/plugins/parser-csv/schema.js';
import { openLab, type CsvLab, type Row } from './harness.js';

interface Case {
  readonly area: string;
  readonly name: string;
  readonly config: JsonObject;
  readonly input: string;
  readonly expected: unknown;
}

const cases = (JSON.parse(readFileSync(new URL('../../cases/embulk-cases.json', import.meta.url), 'utf8')) as Case[]).filter((c) =>
  ['csv', 'csv_parser', 'line_decoder'].includes(c.area),
);
const list = new URL('../../cases/csv-differences.json', import.meta.url);
const differences = JSON.parse(readFileSync(list, 'utf8')) as Record<string, { result: unknown; reason: string }>;
const place = { at: (p: string) => ({ path: p }) };
let lab: CsvLab;
test.before(async () => void (lab = await openLab()));
test.after(() => lab.close());

function toConfig(c: Case): JsonObject {
  const { columns = ['string'], input_encoding: _, ...rest } = c.config as { columns?: (string | JsonObject)[]; input_encoding?: string };
  const typed = columns.map((column, i) => ({ name: `c${i}`, ...(typeof column === 'string' ? { type: column } : column) }));
  // A line decoder hands on whole lines: no quotes, and a delimiter that does not occur.
  const lines = c.area === 'line_decoder' ? { quote: null, delimiter: '\u0001' } : {};
  return { escape: '\\', ...lines, ...(rest as JsonObject), columns: typed as JsonObject[] };
}

async function run(c: Case): Promise<unknown> {
  const bytes = c.config['input_encoding'] === 'hex' ? Buffer.from(c.input, 'hex') : Buffer.from(c.input);
  const config = toConfig(c);
  try {
    const { rows } = await lab.read(config, [await lab.file(bytes)]);
    if (c.area === 'line_decoder') return rows.map((row) => row[0]);
    const [column] = (await csv.plan(config as unknown as CsvConfig, [], { ...lab.ctx, place, memory: undefined })).columns;
    return column && column.type !== 'string' ? await convert(rows, column) : rows;
  } catch (error) {
    return (error as { code?: string }).code ? 'error' : Promise.reject(error as Error);
  }
}

/** The engine's typing: what does not convert is rejected. */
async function convert(rows: readonly Row[], column: SourceColumn): Promise<unknown> {
  const values = rows.map(([value]) => `(${quoteLiteral(value ?? '')})`).join(', ');
  const sql = conversionSql('v', column);
  const typed = column.type === 'timestamp' ? `strftime(${sql}, '%Y-%m-%dT%H:%M:%SZ')` : sql;
  const found = await lab.ctx.sql.rows(`SELECT typed FROM (SELECT ${typed} AS typed FROM (VALUES ${values}) t(v)) WHERE typed IS NOT NULL`);
  return found.map((row) => [row['typed']]);
}

for (const c of cases) {
  test(`${c.area}: ${c.name}`, async () => {
    const ours = await run(c);
    const known = differences[c.name];
    if (known) {
      assert.equal(ours, known.result);
      assert.not.equal(ours, c.expected, 'no longer a difference: take it off the list');
    } else assert.equal(ours, c.expected);
  });
}

test.run();
