import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../../../src/core/duckdb/index.js';
import { filledOf, type CopyPlan } from '../../../../src/plugins/shared/object-output/write-files.js';

const folder = mkdtempSync(join(tmpdir(), 'sluice-filled-'));
const database = await openDatabase({ threads: 1 });
const sql = await database.connect();
test.after(() => {
  sql.close();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

async function kept(file: CopyPlan['file'], names: readonly string[]): Promise<string[]> {
  const files = names.map((name) => ({ path: join(folder, name), bytes: statSync(join(folder, name)).size, folder: '' }));
  const filled = await filledOf(files, { file, partition: [], maxFileBytes: 100 }, sql);
  return filled.map((each) => names[files.findIndex(({ path }) => path === each.path)] as string);
}

function lines(newline: '\n' | '\r\n' | '\r', header: string | null, copyOptions = ''): CopyPlan['file'] {
  return { format: { form: 'lines', record: 'x', header, newline }, extension: '.csv', copyOptions, encoded: false };
}

test('of text files those stay that have a record, also a blank or a broken one', async () => {
  for (const newline of ['\n', '\r\n', '\r'] as const) {
    const contents = { head: 'a,b', one: `a,b${newline}"x${newline}`, blank: `a,b${newline}${newline}`, none: '' };
    for (const [name, text] of Object.entries(contents)) writeFileSync(join(folder, name), name === 'head' ? text + newline : text);
    assert.equal(await kept(lines(newline, 'a,b'), ['head', 'one', 'none', 'blank']), ['one', 'blank'], JSON.stringify(newline));
    writeFileSync(join(folder, 'row'), `é"${newline}`);
    assert.equal(await kept(lines(newline, null), ['none', 'row']), ['row']);
    // A run without rows has one file.
    assert.equal(await kept(lines(newline, 'a,b'), ['head', 'none']), ['head']);
  }
});

test('a record stays whatever it holds', async () => {
  const texts = { delimiter: "'a' || chr(1) || 'b'", long: "repeat('x', 3000000)", quote: "'\"'" };
  for (const compression of ['none', 'gzip', 'zstd']) {
    const { format, ...file } = lines('\n', 'h', compression === 'none' ? '' : `COMPRESSION ${compression}`);
    const options = `FORMAT csv, QUOTE '', ESCAPE '', DELIMITER E'\\x01', HEADER true, COMPRESSION ${compression}`;
    for (const [name, text] of Object.entries({ ...texts, header: null }))
      await sql.run(`COPY (SELECT ${text ?? 1} AS h WHERE ${text !== null}) TO '${join(folder, name)}' (${options})`);
    assert.equal(await kept({ ...file, format }, ['header', ...Object.keys(texts)]), Object.keys(texts), compression);
  }
});

test('compressed and Parquet files are looked into', async () => {
  for (const compression of ['gzip', 'zstd']) {
    for (const [name, where] of [
      ['some', 'true'],
      ['header', 'false'],
    ] as const) {
      const options = `FORMAT csv, HEADER true, COMPRESSION ${compression}`;
      await sql.run(`COPY (SELECT 1 AS a, 'x' AS b WHERE ${where}) TO '${join(folder, name)}' (${options})`);
      await sql.run(`COPY (SELECT 1 AS a WHERE ${where}) TO '${join(folder, `${name}.parquet`)}' (FORMAT parquet)`);
    }
    assert.equal(await kept(lines('\n', 'a,b', `COMPRESSION ${compression}`), ['header', 'some', 'header']), ['some']);
  }
  const parquet: CopyPlan['file'] = { format: { form: 'copy', columns: [], options: '' }, extension: '.parquet', copyOptions: '', encoded: false };
  assert.equal(await kept(parquet, ['header.parquet', 'some.parquet']), ['some.parquet']);
});

test.run();
