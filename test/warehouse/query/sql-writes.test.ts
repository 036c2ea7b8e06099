import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError, type Clock } from '../../../src/core/spi/index.js';
import { openWarehouse, type Warehouse } from '../../../src/warehouse/index.js';
import { runSql } from '../../../src/warehouse/query/run-sql.js';
import { splitStatements } from '../../../src/warehouse/query/sql-tokens.js';
import { field, openTestWarehouse, partition, type TestFile, type TestWarehouse } from './fixture.js';

const clock: Clock = { now: () => Date.now(), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
let house: TestWarehouse;
let warehouse: Warehouse;

test.before(async () => {
  house = await openTestWarehouse();
  warehouse = openWarehouse({ metastore: house.metastore, root: house.storage.root, clock, log: { log: () => undefined } });
});
test.after(() => house.close());

type Params = Parameters<typeof runSql>[2];

async function write(sql: string, options: Params = {}): Promise<{ message: string; rows: number; runId?: string }> {
  const outcome = await runSql({ warehouse, engine: house.engine }, sql, { tempDir: join(house.folder, 'temp'), threads: 2, ...options });
  if (outcome.kind !== 'done') throw new Error('expected a write');
  return outcome;
}

async function failure(sql: string, options: Params = {}): Promise<SluiceError> {
  try {
    const outcome = await runSql({ warehouse, engine: house.engine }, sql, { tempDir: join(house.folder, 'temp'), ...options });
    if (outcome.kind === 'rows') await outcome.result.close();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error(`expected an error: ${sql}`);
}

async function dataFiles(): Promise<string[]> {
  return (await readdir(join(house.folder, 'warehouse'), { recursive: true })).filter((n) => n.endsWith('.parquet'));
}

test('CREATE TABLE AS makes a partitioned table of exact types', async () => {
  const made = await write(
    `CREATE TABLE w.orders WITH (partitioned_by = ARRAY['day(ts)', 'bucket(2, k)'], comment = 'it''s ours') AS
    SELECT range AS k, TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_hours(range::INTEGER) AS ts, sum(range) OVER () AS total, 1.50 AS price, [1, 2] AS list, {'a': 1} AS obj, uuid() AS u, DATE '2024-01-01' AS d, $name AS name FROM range(48)`,
    { params: { name: `x'y` } },
  );
  assert.is(made.message, 'created w.orders with 48 rows');
  assert.equal(
    (await house.rows('SHOW COLUMNS FROM w.orders')).map((r) => `${String(r['column'])} ${String(r['type'])}`),
    ['k long', 'ts timestamp', 'total decimal(38,0)', 'price decimal(3,2)', 'list json', 'obj json', 'u string', 'd date', 'name string'],
  );
  assert.equal(
    await house.rows('SELECT count(*) AS n, any_value(total) AS t, any_value(list) AS l, any_value(obj) AS o, any_value(name) AS name FROM w.orders'),
    [{ n: 48n, t: '1128', l: '[1,2]', o: '{"a":1}', name: `x'y` }],
  );
  assert.is((await house.engine.explain(`SELECT * FROM w.orders WHERE ts < '2024-01-02' AND k = 3`)).filesKept, 1);
  assert.is((await warehouse.catalog.loadTable('w.orders')).metadata.properties['comment'], `it's ours`);
  assert.is((await house.metastore.getRun(made.runId ?? ''))?.status, 'committed');
  assert.match((await write('CREATE TABLE IF NOT EXISTS w.orders AS SELECT 1 AS a')).message, 'exists already');
  assert.is((await failure('CREATE TABLE w.orders AS SELECT 1 AS a')).code, 'TABLE_EXISTS');
  assert.is((await failure(`CREATE TABLE w.x WITH (format = 'ORC') AS SELECT 1 AS a`)).code, 'SQL_PROPERTY');
  assert.is((await failure('CREATE TABLE w.x AS SELECT INTERVAL 1 DAY AS i')).code, 'SQL_TYPE');
  const twice = await failure('CREATE TABLE w.x AS SELECT 1 AS a, 2 AS "A"');
  assert.equal([twice.code, twice.message], ['DUPLICATE_COLUMN', 'w.x: two columns of the SELECT differ at most by case: a and A']);
  assert.is((await failure('CREATE TABLE w.x AS SELECT 340282366920938463463374607431768211455::UHUGEINT AS big')).code, 'SQL_VALUE');
});

test('INSERT puts columns by position or name and never changes a value silently', async () => {
  await write(`CREATE TABLE w.ins AS SELECT 1 AS id, 'a' AS name, 1.5::DECIMAL(12,2) AS price, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS at`);
  assert.is((await write(`INSERT INTO w.ins VALUES (2, 'b', 2.5, '2024-01-02 00:00:00+00'), (3, NULL, NULL, NULL)`)).rows, 2);
  assert.is((await write(`INSERT INTO w.ins (price, ID) SELECT 9.99, max(id) + 1 FROM w.ins`)).rows, 1);
  assert.equal(await house.rows('SELECT * FROM w.ins ORDER BY id'), [
    { id: 1n, name: 'a', price: '1.50', at: '2024-01-01 00:00:00+00' },
    { id: 2n, name: 'b', price: '2.50', at: '2024-01-02 00:00:00+00' },
    { id: 3n, name: null, price: null, at: null },
    { id: 4n, name: null, price: '9.99', at: null },
  ]);
  assert.is((await failure('INSERT INTO w.ins (id) VALUES (1.5)')).code, 'SQL_TYPE');
  assert.is((await failure('INSERT INTO w.ins (price) VALUES (1.555)')).code, 'SQL_TYPE');
  assert.is((await failure(`INSERT INTO w.ins (id) VALUES ('1.5')`)).code, 'SQL_TYPE');
  await write(`CREATE TABLE w.js AS SELECT {'a': 1} AS j`);
  assert.is((await write(`INSERT INTO w.js VALUES ('{"b": 1.10}')`)).rows, 1);
  assert.ok((await failure(`INSERT INTO w.js VALUES ('{')`)).message.includes('JSON'));
  assert.equal(
    (await house.rows('SELECT j FROM w.js ORDER BY j')).map((r) => r['j']),
    ['{"a":1}', '{"b": 1.10}'],
  );
  assert.is((await failure('INSERT INTO w.ins (id, name) VALUES (1)')).code, 'SQL_COLUMNS');
  assert.match((await failure('INSERT INTO w.ins (nosuch) VALUES (1)')).hint ?? '', 'columns: id, name');
  assert.is((await failure('INSERT INTO w.nosuch VALUES (1)')).code, 'TABLE_MISSING');
  const before = await dataFiles();
  const place = await failure('INSERT INTO w.ins (id)\nSELECT nosuch\nFROM w.ins');
  assert.match(place.message, /^line 2:8: /);
  assert.equal(await dataFiles(), before);
  assert.is((await write('INSERT INTO w.ins SELECT * FROM w.ins WHERE false')).rows, 0);
});

test('a statement that fails while staging leaves no file and no unfinished run', async () => {
  assert.is((await write(`CREATE TABLE w.strict AS SELECT 1 AS id`)).message, 'created w.strict with 1 row');
  const before = await dataFiles();
  const error = await failure(
    `INSERT INTO w.strict SELECT CASE WHEN range = 99000 THEN 9223372036854775808::HUGEINT ELSE range END FROM range(100000)`,
  );
  assert.is(error.code, 'SQL_VALUE');
  assert.is(error.exitCode, 3);
  assert.equal(await dataFiles(), before);
  assert.equal(await house.rows('SELECT count(*) AS n FROM w.strict'), [{ n: 1n }]);
  const key = { project: await house.metastore.projectId(), pipeline: 'sql', stream: '', target: 'w.strict' };
  assert.is(await house.metastore.unfinishedRun(key), undefined);
});

test('DELETE drops whole files by metadata, rewrites touched ones, leaves the others', async () => {
  await house.createTable('w.del', [field(1, 'id', 'long'), field(2, 'g', 'string'), field(3, 'i', 'int')], [partition(1000, 2, 'identity')]);
  await house.append('w.del', [`SELECT range AS id, 'abc'[1 + (range % 3)::INTEGER] AS g, range::INTEGER AS i FROM range(300)`]);
  const before = await house.rows('SELECT file_path FROM w."del$files" ORDER BY 1');
  assert.is(before.length, 3);
  const gone = await write(`DELETE FROM w.del WHERE g = 'a'`);
  assert.is(gone.message, 'deleted 100 rows from w.del');
  const after = await house.rows('SELECT file_path FROM w."del$files" ORDER BY 1');
  assert.is(after.length, 2);
  assert.ok(after.every((f) => before.some((b) => b['file_path'] === f['file_path'])));
  assert.is(
    (await write(`DELETE FROM w.del AS d WHERE g = 'b' AND d.id IN (SELECT id FROM w.del WHERE id < $x) -- c`, { params: { x: 30 } })).rows,
    10,
  );
  assert.equal(await house.rows('SELECT g, count(*) AS n, min(id) AS low, typeof(min(i)) AS t FROM w.del GROUP BY g ORDER BY g'), [
    { g: 'b', n: 90n, low: 31n, t: 'INTEGER' },
    { g: 'c', n: 100n, low: 2n, t: 'INTEGER' },
  ]);
  const files = await house.rows(`SELECT file_path FROM w."del$files"`);
  assert.ok(
    files.some((f) => before.some((b) => b['file_path'] === f['file_path'])),
    'the file of c is untouched',
  );
  assert.is((await write('DELETE FROM w.del WHERE id < 0')).rows, 0);
  assert.is((await write('DELETE FROM w.del WHERE NULL')).rows, 0);
  const operations = (await house.rows('SELECT operation FROM w."del$snapshots" ORDER BY committed_at')).map((r) => r['operation']);
  assert.equal(operations, ['append', 'delete', 'overwrite']);
  const place = await failure('DELETE FROM w.del\n WHERE id = 1 AND\n  nosuch = 2');
  assert.match(place.message, /^line 3:3: /);
  assert.is((await write('DELETE FROM w.del')).rows, 190);
  assert.equal(await house.rows('SELECT count(*) AS n FROM w.del'), [{ n: 0n }]);
  assert.equal(await house.rows('SELECT count(*) AS n FROM w.del', { snapshot: (await house.load('w.del')).snapshots[0]?.['snapshot-id'] ?? 0n }), [
    { n: 300n },
  ]);
});

test('a condition reads the table it deletes from as any query does', async () => {
  await write('CREATE TABLE w.self AS SELECT range AS id, range % 3 AS g FROM range(20)');
  const first = String((await house.rows('SELECT snapshot_id FROM w."self$snapshots"'))[0]?.['snapshot_id']);
  const deleted = async (sql: string): Promise<number> => (await write(`DELETE FROM ${sql}`)).rows;
  assert.is(await deleted('w.self WHERE (id, g) IN (SELECT * FROM w.self WHERE id = 1)'), 1);
  assert.is(await deleted('w.self WHERE w.self.id = 3 AND self.id IN (SELECT id FROM w.self)'), 1);
  assert.is(await deleted('w.self x WHERE x.id = 5 AND 19 = (SELECT max(self.id) FROM w.self)'), 1);
  await write('CREATE VIEW w.selfview AS SELECT * EXCLUDE (g) FROM w.self');
  assert.is(await deleted('w.self WHERE id = 7 AND id IN (SELECT * FROM w.selfview)'), 1);
  // An earlier version has the same name, other files and other rows.
  assert.is(await deleted(`w.self WHERE id IN (SELECT id + 10 FROM w.self FOR VERSION AS OF ${first} WHERE id = 1)`), 1);
  assert.is(await deleted(`w.self WHERE g = 5 OR id > (SELECT max(id) - 1 FROM w.self FOR VERSION AS OF ${first})`), 1);
  assert.equal(
    (await house.rows('SELECT id FROM w.self ORDER BY id')).map((r) => Number(r['id'])),
    [0, 2, 4, 6, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18],
  );
  const error = await failure(`DELETE FROM w.self\nWHERE id IN (SELECT id FROM w.self)\n  AND CAST('x' || id AS INTEGER) = 1`);
  assert.is(error.code, 'SQL_VALUE');
  assert.match(error.message, /^line 3:7: /);
});

test('columns may be called like what DuckDB adds to a scan', async () => {
  await house.createTable('w.own', [
    field(1, 'filename', 'string'),
    field(2, 'file_row_number', 'long'),
    field(3, 'file_index', 'long'),
    field(4, 'rowid', 'long'),
  ]);
  const [file] = await house.append('w.own', [
    `SELECT 'x' || range AS filename, 100 - range AS file_row_number, range AS file_index, range AS rowid FROM range(10)`,
  ]);
  await house.deletePositions('w.own', file as TestFile, [0]);
  assert.is((await write('DELETE FROM w.own WHERE file_row_number IN (100, 98) OR rowid = 5')).rows, 2);
  assert.equal(await house.rows('SELECT count(*) AS n, min(filename) AS f, sum(file_row_number) AS r FROM w.own WHERE file_index < 7'), [
    { n: 4n, f: 'x1', r: 386n },
  ]);
});

test('DELETE minds rows that position deletes hide already', async () => {
  await house.createTable('w.pd', [field(1, 'id', 'long')]);
  const [file] = await house.append('w.pd', ['SELECT range AS id FROM range(10)']);
  await house.deletePositions('w.pd', file as TestFile, [0, 1, 2]);
  assert.is((await write('DELETE FROM w.pd WHERE id < 5')).rows, 2);
  assert.equal(await house.rows('SELECT list(id ORDER BY id) AS ids FROM w.pd'), [{ ids: [5n, 6n, 7n, 8n, 9n] }]);
});

test('DELETE that loses to a compaction looks again, and leaves no file of the lost try', async () => {
  await house.createTable('w.race', [field(1, 'id', 'long')]);
  for (let i = 0; i < 8; i++) await house.append('w.race', [`SELECT range * 8 + ${i} AS id FROM range(10)`]);
  let compacted = 0;
  const rival: Warehouse = {
    ...warehouse,
    async commitChanges(changes, options) {
      if (compacted++ === 0) await warehouse.maintain({ tables: ['w.race'] });
      return warehouse.commitChanges(changes, options);
    },
  };
  const outcome = await runSql({ warehouse: rival, engine: house.engine }, 'DELETE FROM w.race WHERE id % 2 = 0', {
    tempDir: join(house.folder, 'temp'),
  });
  assert.is(outcome.kind === 'done' && outcome.message, 'deleted 40 rows from w.race');
  assert.is(compacted, 2);
  assert.equal(await house.rows('SELECT count(*) AS n, min(id % 2) AS odd FROM w.race'), [{ n: 40n, odd: 1n }]);
  const operations = (await house.rows('SELECT operation FROM w."race$snapshots" ORDER BY committed_at')).map((r) => r['operation']);
  assert.equal(operations.slice(-2), ['replace', 'overwrite']);
  const [live] = await house.rows('SELECT list(file_path) AS files FROM w."race$files"');
  const referenced = (live?.['files'] as string[]).length;
  assert.is(referenced, 1);
  // One of the compaction, one of the DELETE that went through.
  assert.is((await dataFiles()).filter((f) => f.startsWith('w/race')).length, 2);
});

test('DELETE and INSERT keep nested columns as they are', async () => {
  const list = { type: 'list' as const, 'element-id': 21, element: 'long', 'element-required': false };
  const point = { type: 'struct' as const, fields: [field(22, 'x', 'int'), field(23, 'y', 'string')] };
  const map = { type: 'map' as const, 'key-id': 24, key: 'string', 'value-id': 25, value: 'double', 'value-required': false };
  const nested = (id: number, name: string, type: typeof list | typeof point | typeof map): ReturnType<typeof field> => ({
    ...field(id, name, 'string'),
    type,
  });
  await house.createTable('w.nested', [field(1, 'id', 'long'), nested(2, 'l', list), nested(3, 'p', point), nested(4, 'm', map)]);
  const done = await write(
    `INSERT INTO w.nested SELECT range, [range, NULL, -1], {'y': 'é' || range, 'x': 7::INTEGER}, MAP {'a': range / 3, 'b': 'nan'::DOUBLE} FROM range(10)`,
  );
  assert.is(done.message, 'inserted 10 rows into w.nested');
  await write('INSERT INTO w.nested (id, l, p) VALUES (10, [], NULL)');
  const shown = 'SELECT id, CAST(l AS VARCHAR) AS l, CAST(p AS VARCHAR) AS p, CAST(m AS VARCHAR) AS m FROM w.nested ORDER BY id';
  const before = await house.rows(shown);
  assert.equal(before[3], { id: 3n, l: '[3, NULL, -1]', p: "{'x': 7, 'y': é3}", m: '{a=1.0, b=nan}' });
  assert.equal(before[10], { id: 10n, l: '[]', p: null, m: null });
  assert.is((await write('DELETE FROM w.nested WHERE id < 3 OR l[1] = 5')).rows, 4);
  assert.equal(
    await house.rows(shown),
    before.filter((r) => Number(r['id']) >= 3 && Number(r['id']) !== 5),
  );
  for (const values of [
    "(1, ['a'], NULL, NULL)",
    "(1, NULL, {'x': 1, 'z': 'b'}, NULL)",
    '(1, NULL, NULL, MAP {1: 2.5::DOUBLE})',
    '(1, [sum(1)::HUGEINT], NULL, NULL)',
  ]) {
    const error = await failure(`INSERT INTO w.nested SELECT * FROM (VALUES ${values.replace('sum(1)', '1')})`);
    assert.is(error.code, 'SQL_TYPE', values);
  }
});

test('a predicate cannot step out of its parentheses', async () => {
  await house.createTable('w.safe', [field(1, 'id', 'long')]);
  await house.append('w.safe', ['SELECT range AS id FROM range(10)']);
  for (const sql of [
    'DELETE FROM w.safe WHERE id = 1) OR (true',
    'DELETE FROM w.safe WHERE id = 1; DROP TABLE w.safe',
    'DELETE FROM w.safe WHERE id = 1 LIMIT 1',
    'DELETE FROM w.safe USING w.del WHERE true',
    'DELETE FROM w.safe WHERE',
    // A joined row would count as a row of the table, and a file with as many matches as rows would go as a whole.
    'DELETE FROM w.safe CROSS JOIN other WHERE id = 1',
    'DELETE FROM w.safe NATURAL JOIN other WHERE id = 1',
    'DELETE FROM w.safe FOR VERSION AS OF 1 WHERE id = 1',
    `DELETE FROM w.safe WHERE id IN (SELECT 1 FROM read_csv('/etc/passwd'))`,
  ]) {
    const error = await failure(sql);
    assert.ok(['SQL_INVALID', 'SQL_REFUSED'].includes(error.code), `${sql}: ${error.code}`);
  }
  const past = await failure('DELETE FROM w.safe WHERE id = 1', { asOf: '2100-01-01' });
  assert.is(past.code, 'SQL_REFUSED');
  assert.match(past.message, 'as it is now');
  assert.equal(await house.rows('SELECT count(*) AS n FROM w.safe'), [{ n: 10n }]);
  assert.is((await write('DELETE FROM w.safe AS "s s" WHERE "s s".id = 1')).rows, 1);
});

test('namespaces may have the names of what an engine has of its own', async () => {
  for (const namespace of ['temp', 'system', 'memory', 'pg_catalog', 'plan1']) {
    await write(`CREATE TABLE ${namespace}.o AS SELECT range AS a FROM range(3)`);
    const joined = `SELECT ${namespace}.o.a, x.a AS b FROM ${namespace}.o JOIN ${namespace.toUpperCase()}.O AS x ON x.a = ${namespace}.o.a + 1`;
    assert.equal(await house.rows(`${joined} WHERE "${namespace}".o.a > 0`), [{ a: 1n, b: 2n }], namespace);
    await write(`CREATE VIEW ${namespace}.v AS SELECT a FROM o WHERE a > 0`);
    assert.equal(await house.rows(`SELECT ${namespace}.a FROM ${namespace}.v AS ${namespace} ORDER BY 1 LIMIT 1`), [{ a: 1n }], namespace);
    assert.is((await write(`DELETE FROM o WHERE a IN (SELECT a FROM v)`, { namespace })).rows, 2);
  }
});

test('views and tables are created and dropped', async () => {
  await write('CREATE TABLE w.base AS SELECT range AS id FROM range(3)');
  await write('CREATE VIEW w.twice AS SELECT id * 2 AS twice FROM base;');
  assert.equal(await house.rows('SELECT max(twice) AS m FROM w.twice'), [{ m: 4n }]);
  assert.is((await failure('CREATE VIEW w.twice AS SELECT 1 AS a')).code, 'TABLE_EXISTS');
  assert.is((await failure('CREATE VIEW w.base AS SELECT 1 AS a')).code, 'TABLE_EXISTS');
  assert.is((await failure('CREATE TABLE w.twice AS SELECT 1 AS a')).code, 'TABLE_EXISTS');
  assert.is((await failure('CREATE OR REPLACE VIEW w.twice AS SELECT * FROM w.twice')).code, 'VIEW_CYCLE');
  assert.is((await failure('CREATE VIEW w.bad AS SELECT nosuch FROM w.base')).code, 'SQL_INVALID');
  await write('CREATE OR REPLACE VIEW w.twice AS SELECT id AS once FROM w.base');
  assert.equal(await house.rows('SELECT max(once) AS m FROM w.twice'), [{ m: 2n }]);
  assert.is((await failure('DROP TABLE w.twice')).code, 'TABLE_MISSING');
  await write('DROP VIEW w.twice');
  assert.is((await failure('DROP VIEW w.twice')).code, 'VIEW_MISSING');
  await write('DROP VIEW IF EXISTS w.twice');
  await write('DROP TABLE w.base');
  assert.is((await failure('SELECT * FROM w.base')).code, 'TABLE_MISSING');
  assert.is((await failure('DROP TABLE w.base')).code, 'TABLE_MISSING');
  await write('DROP TABLE IF EXISTS w.base');
});

test('all other writes are refused with what is allowed', async () => {
  for (const sql of [
    'UPDATE w.del SET id = 1',
    'MERGE INTO w.del USING x ON true WHEN MATCHED THEN DELETE',
    'ALTER TABLE w.del ADD COLUMN x INT',
    'TRUNCATE w.del',
    'CREATE TABLE w.x (a INT)',
    'CREATE OR REPLACE TABLE w.x AS SELECT 1',
    'CREATE TEMP TABLE x AS SELECT 1',
    'CREATE MACRO f() AS 1',
    'DROP SCHEMA w',
    `COPY w.del TO 'x'`,
    'SET threads = 1',
  ]) {
    const error = await failure(sql);
    assert.is(error.code, 'SQL_REFUSED', sql);
    assert.match(error.hint ?? '', 'INSERT INTO');
  }
});

test('statements are split outside strings, comments and dollar quotes', () => {
  const text = `SELECT ';' AS a; -- one; two\n/* ; /* nested; */ ; */ SELECT $$;$$, $x$ ; $$ $x$, E'\\';', "a;b";;\n INSERT INTO t VALUES (1)`;
  assert.equal(
    splitStatements(text).map((s) => s.text),
    [`SELECT ';' AS a`, `SELECT $$;$$, $x$ ; $$ $x$, E'\\';', "a;b"`, 'INSERT INTO t VALUES (1)'],
  );
  assert.equal(splitStatements(' ; -- nothing\n').length, 0);
});

test.run();
