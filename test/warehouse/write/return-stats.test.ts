import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../../src/core/duckdb/index.js';
import { parseReturnStats, type WrittenFile } from '../../../src/core/duckdb/return-stats.js';
import { BugError } from '../../../src/core/spi/index.js';

/** The contract with DuckDB: what a manifest is made of. A new DuckDB version must pass this unchanged. */
async function copy(select: string, options: string): Promise<readonly WrittenFile[]> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-stats-'));
  const database = await openDatabase();
  const sql = await database.connect();
  try {
    return parseReturnStats(await sql.rows(`COPY (${select}) TO '${dir}/out' (FORMAT parquet, RETURN_STATS true, ${options})`));
  } finally {
    sql.close();
    database.close();
    rmSync(dir, { recursive: true });
  }
}

test('counts, sizes and texts of every type', async () => {
  const select = `SELECT * FROM (VALUES
    (true, 9223372036854775807, 'inf'::DOUBLE, 'NaN'::FLOAT, 'ä', DATE '1582-10-14', TIMESTAMP '2024-01-01 00:00:00.5', TIMESTAMPTZ '2024-01-01 00:00:00+09', 1.50::DECIMAL(9,2), [1, 2], {x: 1}, NULL),
    (NULL, -5, '-inf'::DOUBLE, 1.5::FLOAT, 'b', NULL, TIMESTAMP '1969-12-31 23:59:59.999999', NULL, -0.01::DECIMAL(9,2), [], {x: NULL}, NULL)
  ) t(b, l, d, f, s, dt, ts, tz, de, li, st, n)`;
  const [file, ...others] = await copy(select, 'COMPRESSION zstd');
  assert.is(others.length, 0);
  assert.is(file?.rows, 2);
  assert.ok((file?.bytes ?? 0) > 500);
  const of = (path: string): unknown => {
    const c = file?.columns.get(path);
    return c && [c.numValues, c.nullCount, c.min, c.max, c.hasNan];
  };
  assert.equal(of('"b"'), [2, 1, '1', '1', undefined]);
  assert.equal(of('"l"'), [2, 0, '-5', '9223372036854775807', undefined]);
  assert.equal(of('"d"'), [2, 0, '-inf', 'inf', false]);
  assert.is(file?.columns.get('"f"')?.hasNan, true);
  assert.equal(of('"s"'), [2, 0, 'b', 'ä', undefined]);
  assert.equal(of('"dt"'), [2, 1, '1582-10-14', '1582-10-14', undefined]);
  assert.equal(of('"ts"'), [2, 0, '1969-12-31 23:59:59.999999', '2024-01-01 00:00:00.5', undefined]);
  assert.equal(of('"tz"'), [2, 1, '2023-12-31 15:00:00+00', '2023-12-31 15:00:00+00', undefined]);
  assert.equal(of('"de"'), [2, 0, '-0.01', '1.50', undefined]);
  assert.ok(file?.columns.has('"li"."element"'));
  assert.ok(file?.columns.has('"st"."x"'));
  assert.ok((file?.columns.get('"l"')?.columnSizeBytes ?? 0) > 0);
});

test('partition keys are values, not folder names; one file per partition', async () => {
  const files = await copy(
    `SELECT i, CASE i % 3 WHEN 0 THEN '' WHEN 1 THEN NULL ELSE 'a/b=c %' END AS p FROM range(9) t(i)`,
    'PARTITION_BY (p), WRITE_PARTITION_COLUMNS false',
  );
  assert.equal(files.map((f) => f.partition.get('p')).sort(), ['', 'a/b=c %', null]);
  assert.equal(
    files.map((f) => f.rows),
    [3, 3, 3],
  );
  assert.ok(files.every((f) => !f.columns.has('"p"')));
});

test('a result without the expected columns is a bug, not a wrong manifest', () => {
  try {
    parseReturnStats([{ Count: 5n }]);
    assert.unreachable('expected an error');
  } catch (error) {
    assert.instance(error, BugError);
    assert.is((error as BugError).code, 'RETURN_STATS');
    assert.match((error as BugError).message, 'Count');
  }
});

test.run();
