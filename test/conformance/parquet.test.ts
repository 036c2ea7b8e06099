import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { checkParser } from '../../src/conformance/index.js';
import { openDatabase } from '../../src/core/duckdb/index.js';
import { quoteLiteral } from '../../src/core/spi/index.js';
import parquet from '../../src/plugins/parser-parquet/index.js';

async function writeParquet(select: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-parquet-'));
  const database = await openDatabase({ threads: 1 });
  const sql = await database.connect();
  try {
    const path = join(folder, 'a.parquet');
    await sql.run(`COPY (${select}) TO ${quoteLiteral(path)} (FORMAT parquet)`);
    return await readFile(path);
  } finally {
    sql.close();
    database.close();
    await rm(folder, { recursive: true });
  }
}

test('parser parquet keeps its contract', async () => {
  const values = `SELECT * FROM (VALUES (9007199254740993, '日本', TIMESTAMPTZ '2024-03-10 02:30:00-08'), (NULL, NULL, NULL)) t(id, name, happened)`;
  const whole = await writeParquet(values);
  const rows = [
    ['9007199254740993', '日本', '2024-03-10 10:30:00+00'],
    [null, null, null],
  ];
  const wide = Array.from({ length: 1000 }, (_, i) => `${i} AS c${i}`).join(', ');
  await checkParser(parquet, [
    { title: 'values', config: {}, files: { 'a.parquet': whole }, rows, rejected: [] },
    { title: 'two files', config: {}, files: { 'a.parquet': whole, 'b.parquet': whole }, rows: [...rows, ...rows] },
    { title: 'no rows', config: {}, files: { 'a.parquet': await writeParquet(`${values} LIMIT 0`) }, rows: [] },
    {
      title: '1000 columns',
      config: {},
      files: { 'a.parquet': await writeParquet(`SELECT ${wide}`) },
      rows: [Array.from({ length: 1000 }, (_, i) => String(i))],
    },
  ]);
});

test.run();
