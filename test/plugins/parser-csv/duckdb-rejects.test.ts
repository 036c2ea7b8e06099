import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dropRejects, readRejectSummary, type RejectSummary } from '../../../src/plugins/parser-csv/duckdb-rejects.js';
import { readCsvSql } from '../../../src/plugins/parser-csv/read-csv-sql.js';
import { openLab, type CsvLab } from './harness.js';

let lab: CsvLab;
test.before(async () => void (lab = await openLab()));
test.after(() => lab.close());

async function summarise(content: string | Uint8Array, scans = 1, columns = '*', types?: readonly string[]): Promise<RejectSummary> {
  const { path = '' } = await lab.file(content);
  const rejects = { table: 'the_rejects', scan: 'the_scans' };
  const from = readCsvSql({
    paths: [path],
    names: ['a', 'b', 'c'],
    delimiter: Uint8Array.of(44),
    quote: 34,
    newline: '\\n',
    skip: 0,
    nullString: undefined,
    rejects,
    ...(types ? { types } : {}),
  });
  for (let i = 0; i < scans; i++) await lab.ctx.sql.rows(`SELECT ${columns} FROM ${from}`);
  const summary = await readRejectSummary(lab.ctx.sql, rejects.table);
  await dropRejects(lab.ctx.sql, [rejects.table, rejects.scan]);
  return summary;
}

test('one short record is one line, though DuckDB stores an entry for each missing column', async () => {
  assert.equal(await summarise('1,2,3\n1\n1,2\n1,2,3,4\n'), { lines: 3, unreliable: false, unconverted: false });
});

test('malformed text is one line', async () => {
  assert.equal(await summarise(Buffer.from('1,2,3\n1,\xff,3\n', 'latin1')), { lines: 1, unreliable: false, unconverted: false });
});

test('malformed text in a column that is not used goes unseen: needsCount makes up for it', async () => {
  assert.equal(await summarise(Buffer.from('1,2,3\n1,\xff,3\n', 'latin1'), 1, 'a'), { lines: 0, unreliable: false, unconverted: false });
});

test('only the last scan counts', async () => {
  assert.equal(await summarise('1,2,3\n1\n', 3), { lines: 1, unreliable: false, unconverted: false });
});

test('after a broken quote or a line that is too long the rows cannot be trusted', async () => {
  assert.is((await summarise('1,2,3\n1,"b"x,3\n1,2,3\n')).unreliable, true);
  assert.is((await summarise('1,2,3\n1,"b\n1,2,3\n')).unreliable, true);
  assert.is((await summarise(`1,2,3\n1,${'y'.repeat(2_100_000)},3\n1,2,3\n`)).unreliable, true);
});

test('a value that is none of its type', async () => {
  const types = ['VARCHAR', 'TIMESTAMP', 'BIGINT'];
  const dates = '1,2024-02-29 00:00:00,3\n1,2023-02-29 00:00:00,3\n';
  assert.equal(await summarise(dates, 1, '*', types), { lines: 1, unreliable: false, unconverted: true });
});

test('a clean scan leaves empty tables', async () => {
  assert.equal(await summarise('1,2,3\n'), { lines: 0, unreliable: false, unconverted: false });
});

test.run();
