import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/core/spi/index.js';
import { field, openTestWarehouse, type TestFile, type TestWarehouse } from './fixture.js';

let house: TestWarehouse;
let files: readonly TestFile[];

test.before(async () => {
  house = await openTestWarehouse();
  await house.createTable('shop.orders', [field(1, 'id', 'long'), field(2, 'name', 'string')]);
  files = await house.append('shop.orders', [`SELECT range AS id, 'x' AS name FROM range(10)`, `SELECT range AS id, 'y' AS name FROM range(10)`]);
});
test.after(() => house.close());

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256');
  const entries = (await readdir(house.folder, { recursive: true, withFileTypes: true })).filter(
    (e) => e.isFile() && !e.parentPath.includes('sluice-plan-'),
  );
  for (const entry of entries.sort((a, b) => (join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1))) {
    hash.update(join(entry.parentPath, entry.name));
    hash.update(await readFile(join(entry.parentPath, entry.name)));
  }
  return hash.digest('hex');
}

async function refusal(sql: string): Promise<SluiceError> {
  try {
    await house.rows(sql);
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error(`was not refused: ${sql}`);
}

const attacks = (file: string, folder: string): readonly string[] => [
  `COPY (SELECT 1 AS id) TO '${file}' (FORMAT parquet, USE_TMP_FILE false)`,
  `COPY shop.orders TO '${folder}/stolen.csv'`,
  `EXPLAIN SELECT * FROM shop.orders`,
  `EXPLAIN ANALYZE COPY (SELECT 1 AS id) TO '${file}' (FORMAT parquet, USE_TMP_FILE false)`,
  `ATTACH '${folder}/other.db'`,
  `ATTACH ':memory:' AS x`,
  `PREPARE p AS COPY (SELECT 1) TO '${file}'`,
  `EXECUTE p`,
  `SET memory_limit = '1GB'`,
  `RESET memory_limit`,
  `INSTALL httpfs`,
  `LOAD json`,
  `PRAGMA enable_profiling`,
  `PRAGMA show_tables`,
  `CALL pragma_version()`,
  `CHECKPOINT`,
  `EXPORT DATABASE '${folder}/dump'`,
  `IMPORT DATABASE '${folder}/dump'`,
  `USE memory`,
  `BEGIN`,
  `VACUUM`,
  `SELECT 1; SELECT 2`,
  `SELECT 1; COPY (SELECT 1) TO '${file}'`,
  `SELECT 1) TO '${file}' (FORMAT parquet) --`,
  `SELECT * FROM read_csv('/etc/passwd')`,
  `SELECT * FROM read_text('/etc/passwd')`,
  `SELECT * FROM read_blob('${file}')`,
  `SELECT * FROM read_parquet('${file}')`,
  `SELECT * FROM parquet_metadata('${file}')`,
  `SELECT * FROM glob('/etc/*')`,
  `SELECT * FROM '/etc/passwd'`,
  `SELECT * FROM '${file}'`,
  `FROM "${file}"`,
  `SELECT * FROM sniff_csv('/etc/passwd')`,
  `SELECT * FROM enable_logging('QueryLog', storage = 'file', storage_path = '${folder}/log')`,
  `SELECT * FROM enable_profiling(save_location = '${folder}/profile')`,
  `SELECT * FROM query('SELECT 42')`,
  `SELECT * FROM query_table('shop.orders')`,
  `SELECT * FROM json_execute_serialized_sql('{}')`,
  `SELECT * FROM duckdb_settings()`,
  `SELECT * FROM duckdb_settings`,
  `SELECT * FROM pg_catalog.pg_class`,
  `SELECT * FROM sqlite_master`,
  `SELECT * FROM temp.sqlite_master`,
  `SELECT * FROM temp.pg_class`,
  `SELECT * FROM system.main.duckdb_settings`,
  `SELECT * FROM temp.information_schema.tables`,
  `SELECT * FROM main."${file}"`,
  `SELECT * FROM duckdb_secrets()`,
  `SELECT * FROM which_secret('s3://a', 's3')`,
  `SELECT * FROM duckdb_views()`,
  `SELECT * FROM pragma_database_list()`,
  `SELECT * FROM pragma_table_info('shop.orders')`,
  `SELECT * FROM query_table(['shop.orders'])`,
  `SELECT * FROM (SHOW ALL TABLES)`,
  `SELECT current_setting('s3_secret_access_key')`,
  `SELECT system.main.getenv('HOME')`,
  // A CTE that is not in scope where its name stands again.
  `SELECT * FROM (WITH duckdb_views AS (SELECT 1 AS a) SELECT a FROM shop.orders, duckdb_views) x, duckdb_views`,
  `SELECT * FROM (WITH "${file}" AS (SELECT 1 AS a) SELECT a FROM shop.orders) x, "${file}"`,
  `SELECT getenv('HOME')`,
  `SELECT (SELECT count(*) FROM read_csv('/etc/passwd')) FROM shop.orders`,
  `WITH a AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM a`,
  `SELECT * FROM shop.orders WHERE id IN (FROM read_text('/etc/passwd'))`,
  `SELECT * FROM 'https://example.com/x.parquet'`,
  `CREATE TABLE x AS SELECT 1`,
  `INSERT INTO shop.orders VALUES (1, 'x')`,
  `DELETE FROM shop.orders`,
  `UPDATE shop.orders SET id = 1`,
  `DROP VIEW shop.orders`,
  `CREATE MACRO f() AS 1`,
  `SELECT nextval('s')`,
  `DESCRIBE SELECT * FROM read_csv('/etc/passwd')`,
  `SUMMARIZE '/etc/passwd'`,
  '',
  ';',
  '-- only a comment',
];

test('whatever tries to leave the tables is refused, and no byte changes', async () => {
  await house.rows('SELECT 1 FROM shop.orders');
  const before = await fingerprint();
  for (const sql of attacks(files[0]?.path ?? '', house.folder)) {
    const error = await refusal(sql);
    assert.is(error.exitCode, 2, `${sql}: ${error.code} ${error.message}`);
    assert.ok(['SQL_REFUSED', 'SQL_INVALID', 'TABLE_MISSING'].includes(error.code), `${sql}: ${error.code}`);
    assert.is(await fingerprint(), before, sql);
  }
});

test('the refusal says what is allowed', async () => {
  const copy = await refusal(`COPY shop.orders TO 'x'`);
  assert.is(copy.code, 'SQL_REFUSED');
  assert.match(copy.hint ?? '', 'INSERT INTO');
  const read = await refusal(`SELECT *\n FROM read_csv('/etc/passwd')`);
  assert.match(read.message, 'line 2:7: the function read_csv() is not available in queries');
  assert.match(read.hint ?? '', 'sluice load');
});

test('calls nested too deep and values that are too large by their constants alone are refused before they bind', async () => {
  const deep = await refusal(`SELECT 1,\n  1${'+1'.repeat(260)}`);
  assert.equal([deep.code, deep.message.split(':').at(-1)], ['SQL_REFUSED', ' expressions are nested more than 250 deep']);
  assert.match(deep.hint ?? '', 'concat');
  assert.equal(await house.rows(`SELECT 1${'+1'.repeat(240)} AS a, true${' AND true'.repeat(900)} AS b`), [{ a: 241, b: true }]);
  for (const large of [
    `repeat('x', 3000000000)`,
    `repeat(repeat('xx', 100000), 100000)`,
    `repeat('x', 3e9::BIGINT)`,
    `lpad('x', 2000000000, 'y')`,
    `len(range(3000000000))`,
    `range(-10, 300000000000, 2)`,
    `unnest(generate_series(1, 1000000000))`,
    `list_resize([1], 1000000000)`,
    `(SELECT max(length(repeat(name, 1000000000))) FROM shop.orders)`,
  ]) {
    const error = await refusal(`SELECT ${large}`);
    assert.is(error.code, 'SQL_REFUSED', large);
    assert.match(error.message, /^line 1:\d+: \w+\(\) would make a value of \d\.\de\+\d+ bytes, more than 100 MB$/);
    assert.match(error.hint ?? '', 'FROM range(n)');
  }
  assert.equal(await house.rows(`SELECT count(*) AS n FROM (SELECT * FROM range(3000000000) LIMIT 3)`), [{ n: 3n }]);
  assert.equal(await house.rows(`SELECT length(repeat('x', 1000000)) AS n, len(range(10, -10, -2)) AS r`), [{ n: 1000000n, r: 10n }]);
  assert.equal(await house.rows(`SELECT x AS s FROM repeat('y', 3000000000) t(x) LIMIT 1`), [{ s: 'y' }]);
});

test('a locked engine still spills to its private folder, which goes with the query', async () => {
  const result = await house.engine.query('SELECT count(*) AS n FROM (SELECT DISTINCT hash(range) AS h FROM range(3000000))', {
    maxMemory: 40 * 1024 * 1024,
    threads: 1,
  });
  for await (const chunk of result.chunks()) assert.equal(chunk, [[3000000n]]);
  await result.close();
  assert.equal(
    (await readdir(join(house.folder, 'temp'))).filter((n) => n.startsWith('sluice-query-')),
    [],
  );
});

test('an aborted query stops with an error and leaves nothing behind', async () => {
  const controller = new AbortController();
  const result = await house.engine.query('SELECT a.range + b.range AS x FROM range(100000) a, range(100000) b', { signal: controller.signal });
  let error: unknown;
  try {
    for await (const chunk of result.chunks()) if (chunk.length > 0) controller.abort();
  } catch (caught) {
    error = caught;
  }
  await result.close();
  assert.is((error as SluiceError).code, 'QUERY_CANCELLED');
  assert.is((error as SluiceError).exitCode, 130);
  assert.equal(
    (await readdir(join(house.folder, 'temp'))).filter((n) => n.startsWith('sluice-query-')),
    [],
  );
});

test('results go to a file only through us, complete or not at all', async () => {
  const path = join(house.folder, 'out.parquet');
  const written = await house.engine.writeFile(
    'SELECT sum(id) AS total, $x AS x FROM shop.orders',
    { path, format: 'parquet' },
    { params: { x: 'é' } },
  );
  assert.is(written.rows, 1);
  assert.equal(await house.sql.rows(`SELECT total, x, typeof(total) AS t FROM read_parquet('${path}')`), [
    { total: '90', x: 'é', t: 'DECIMAL(38,0)' },
  ]);
  let error: unknown;
  try {
    await house.engine.writeFile(`SELECT CAST(name AS INTEGER) FROM shop.orders`, { path: join(house.folder, 'bad.csv'), format: 'csv' });
  } catch (caught) {
    error = caught;
  }
  assert.is((error as SluiceError).code, 'SQL_VALUE');
  assert.equal(
    (await readdir(house.folder)).filter((n) => n.startsWith('bad')),
    [],
  );
});

test.run();
