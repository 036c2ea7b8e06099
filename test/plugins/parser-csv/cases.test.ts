import { existsSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../../src/core/spi/index.js';
import { openLab, type CsvLab } from './harness.js';

interface Case {
  readonly area: string;
  readonly name: string;
  readonly config: JsonObject;
  readonly input: string;
  readonly expected: unknown;
}

const cases = (JSON.parse(readFileSync(new URL('../../cases/embulk-cases.json', import.meta.url), 'utf8')) as Case[]).filter((c) => ['csv', 'csv_parser', 'line_decoder'].includes(c.area));
const list = new URL('../../cases/csv-differences.json', import.meta.url);
const differences: Record<string, { result: unknown; reason: string }> = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as Record<string, { result: unknown; reason: string }>) : {};
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
    return c.area === 'line_decoder' ? rows.map((row) => row[0]) : rows;
  } catch (error) {
    return (error as { code?: string }).code ? 'error' : Promise.reject(error as Error);
  }
}

for (const c of cases) {
  test(`${c.area}: ${c.name}`, async () => {
    // Typing is the engine's: here such columns are text.
    const ours = await run(c);
    const known = differences[c.name];
    if (known) {
      assert.equal(ours, known.result);
      assert.not.equal(ours, c.expected, 'no longer a difference: take it off the list');
    } else assert.equal(ours, c.expected);
  });
}

test.run();
