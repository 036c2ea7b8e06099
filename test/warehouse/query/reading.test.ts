import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/core/spi/index.js';
import { field, openTestWarehouse, partition, withFields, withPartition, type TestFile, type TestWarehouse } from './fixture.js';

let house: TestWarehouse;

test.before(async () => {
  house = await openTestWarehouse();
});
test.after(() => house.close());

async function failure(work: Promise<unknown>): Promise<SluiceError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

test('position deletes hide rows of the files they name, also with columns named like DuckDB’s own', async () => {
  await house.createTable('d.t', [field(1, 'filename', 'long'), field(2, 'file', 'string')]);
  const first: readonly TestFile[] = await house.append('d.t', [
    `SELECT range AS filename, 'a' AS file FROM range(10)`,
    `SELECT range + 10 AS filename, 'b' AS file FROM range(10)`,
  ]);
  await house.deletePositions('d.t', first[0] as TestFile, [0, 3, 9]);
  await house.append('d.t', [`SELECT 20::BIGINT AS filename, 'c' AS file`]);
  assert.equal(await house.rows('SELECT list(filename ORDER BY filename) AS l FROM d.t WHERE filename < 12 OR filename = 20'), [
    { l: [1n, 2n, 4n, 5n, 6n, 7n, 8n, 10n, 11n, 20n] },
  ]);
  assert.equal(await house.rows('SELECT count(*) AS n FROM d.t'), [{ n: 18n }]);
  const before = (await house.load('d.t')).snapshots[0]?.['snapshot-id'];
  assert.equal(await house.rows('SELECT count(*) AS n FROM d.t', { snapshot: before ?? 0n }), [{ n: 20n }]);
});

test('filters on a float that became a double compare the doubles', async () => {
  await house.createTable('r.wide', [field(1, 'f', 'float'), field(2, 'id', 'long')]);
  const floats = "SELECT * FROM (VALUES (0.1::FLOAT, 1), (16777216::FLOAT, 2), ('nan'::FLOAT, 3), (-0.0::FLOAT, 4)) v(f, id)";
  await house.append('r.wide', [floats]);
  await house.append('r.wide', [floats.replaceAll(/, (\d)\)/g, ', 1$1)')], { withoutStats: true });
  const wide = [field(1, 'f', 'double'), field(2, 'id', 'long')];
  await house.change('r.wide', (t) => withFields(t, wide));
  const ids = async (where: string): Promise<unknown> =>
    (await house.rows(`SELECT list(id ORDER BY id)::VARCHAR AS ids FROM r.wide WHERE ${where}`))[0]?.['ids'];
  assert.is(await ids('f > 0.1'), '[1, 2, 3, 11, 12, 13]');
  assert.is(await ids('f = 0.1'), null);
  assert.is(await ids('f = 0.1::FLOAT'), '[1, 11]');
  assert.is(await ids('f >= 16777217'), '[3, 13]');
  assert.is(await ids('f <= 0'), '[4, 14]');
  assert.equal(await house.rows('SELECT f::VARCHAR AS f FROM r.wide WHERE id = 4'), [{ f: '-0.0' }]);
});

test('renamed, added, dropped and widened columns read right; only time travel uses the old schema', async () => {
  await house.createTable('e.t', [field(1, 'a', 'int'), field(2, 'b', 'string')]);
  await house.append('e.t', [`SELECT 1 AS a, 'x' AS b`]);
  await house.change('e.t', (t) => withFields(t, [field(1, 'n', 'long'), field(3, 'b', 'double')]));
  await house.append('e.t', ['SELECT 5000000000 AS n, 1.5 AS b']);
  assert.equal(await house.rows('SELECT * FROM e.t ORDER BY n'), [
    { n: 1n, b: null },
    { n: 5000000000n, b: 1.5 },
  ]);
  assert.equal(await house.rows('SELECT * FROM e.t WHERE n > 3000000000'), [{ n: 5000000000n, b: 1.5 }]);
  assert.equal(await house.rows('SELECT * FROM e.t WHERE b IS NULL'), [{ n: 1n, b: null }]);
  const [snapshot] = (await house.load('e.t')).snapshots;
  assert.equal(await house.rows(`SELECT t.b, a FROM e.t FOR VERSION AS OF ${snapshot?.['snapshot-id']}`), [{ b: 'x', a: 1 }]);
});

test('files of several partition specs are pruned by their own spec', async () => {
  await house.createTable('s.t', [field(1, 'k', 'long'), field(2, 'v', 'string')], [partition(1000, 1, 'identity')]);
  await house.append('s.t', [`SELECT range AS k, 'a' AS v FROM range(4)`]);
  await house.change('s.t', (t) => withPartition(t, [partition(1001, 1, 'bucket[8]')]));
  await house.append('s.t', [`SELECT range AS k, 'b' AS v FROM range(100)`], { withoutStats: true });
  const stats = await house.engine.explain('SELECT * FROM s.t WHERE k = 2');
  assert.is(stats.filesTotal, 12);
  assert.is(stats.filesKept, 2);
  assert.equal(await house.rows('SELECT k, v FROM s.t WHERE k = 2 ORDER BY v'), [
    { k: 2n, v: 'a' },
    { k: 2n, v: 'b' },
  ]);
  assert.is((await house.engine.explain('SELECT * FROM s.t WHERE k > 98')).filesKept, 8);
});

test('NaN rows are found although no bound covers them, also without statistics', async () => {
  await house.createTable('n.t', [field(1, 'd', 'double')]);
  await house.append('n.t', [`SELECT unnest([1.0, 2.0, 'nan'::DOUBLE]) AS d`, 'SELECT 3.0 AS d']);
  await house.append('n.t', [`SELECT unnest([4.0, 'nan'::DOUBLE, 'inf'::DOUBLE]) AS d`], { withoutStats: true });
  assert.equal(await house.rows('SELECT count(*) AS n FROM n.t WHERE d > 1e300'), [{ n: 3n }]);
  assert.equal(await house.rows(`SELECT count(*) AS n FROM n.t WHERE d = 'nan'`), [{ n: 2n }]);
  assert.is((await house.engine.explain('SELECT * FROM n.t WHERE d > 1e300')).filesKept, 2);
  assert.is((await house.engine.explain('SELECT * FROM n.t WHERE d < 3')).filesKept, 2);
});

test('time travel by id, by time, by option; a missing snapshot is an error', async () => {
  await house.createTable('tt.t', [field(1, 'id', 'long')]);
  await house.append('tt.t', ['SELECT 1 AS id']);
  await house.append('tt.t', ['SELECT 2 AS id']);
  const [first, second] = (await house.load('tt.t')).snapshots;
  const id = first?.['snapshot-id'] ?? 0n;
  assert.equal(await house.rows(`SELECT t.id FROM tt.t FOR VERSION AS OF ${id}`), [{ id: 1n }]);
  assert.equal(await house.rows(`SELECT count(*) AS n FROM tt.t AS a JOIN tt.t FOR VERSION AS OF ${id} AS b ON a.id >= b.id`), [{ n: 2n }]);
  const at = new Date(first?.['timestamp-ms'] ?? 0).toISOString().replace('T', ' ').replace('Z', '');
  assert.equal(await house.rows(`SELECT id FROM tt.t FOR TIMESTAMP AS OF TIMESTAMP '${at}'`), [{ id: 1n }]);
  assert.equal(await house.rows('SELECT id FROM tt.t', { asOf: at }), [{ id: 1n }]);
  assert.equal(await house.rows('SELECT count(*) AS n FROM tt.t', { snapshot: second?.['snapshot-id'] ?? 0n }), [{ n: 2n }]);
  const missing = await failure(house.rows('SELECT * FROM tt.t FOR VERSION AS OF 12'));
  assert.is(missing.code, 'SNAPSHOT_NOT_FOUND');
  assert.match(missing.hint ?? '', '"tt"."t$snapshots"');
  assert.is((await failure(house.rows(`SELECT * FROM tt.t FOR TIMESTAMP AS OF '1999-01-01'`))).code, 'SNAPSHOT_NOT_FOUND');
  assert.is((await failure(house.rows(`SELECT * FROM tt.t FOR TIMESTAMP AS OF 'never'`))).code, 'SQL_INVALID');
});

test('views are expanded, also over views and other namespaces, and prune; cycles are errors', async () => {
  await house.createTable('v.t', [field(1, 'id', 'long'), field(2, 'g', 'string')]);
  await house.append('v.t', [`SELECT range AS id, 'a' AS g FROM range(10)`, `SELECT range + 10 AS id, 'b' AS g FROM range(10)`]);
  await house.createView('v.small', 'SELECT id AS number, g FROM t WHERE id < 15');
  await house.createView('w.top', 'WITH t AS (SELECT * FROM v.small) SELECT t.number FROM t');
  assert.equal(await house.rows('SELECT max(number) AS m FROM w.top'), [{ m: 14n }]);
  assert.is((await house.engine.explain('SELECT * FROM w.top WHERE number < 5')).filesKept, 1);
  await house.createView('v.a', 'SELECT * FROM v.b');
  await house.createView('v.b', 'SELECT * FROM a');
  const cycle = await failure(house.rows('SELECT * FROM v.a'));
  assert.is(cycle.code, 'VIEW_CYCLE');
  assert.match(cycle.message, 'v.a → v.b → v.a');
});

test('information_schema, SHOW and DESCRIBE answer from the catalog', async () => {
  assert.equal(await house.rows(`SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'v' ORDER BY 1`), [
    { table_name: 'a', table_type: 'VIEW' },
    { table_name: 'b', table_type: 'VIEW' },
    { table_name: 'small', table_type: 'VIEW' },
    { table_name: 't', table_type: 'BASE TABLE' },
  ]);
  assert.equal(
    await house.rows(
      `SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = 'v' AND table_name = 't' ORDER BY ordinal_position`,
    ),
    [
      { column_name: 'id', column_type: 'long' },
      { column_name: 'g', column_type: 'string' },
    ],
  );
  assert.equal(await house.rows(`SHOW TABLES FROM v LIKE 'x%'`), []);
  assert.equal(
    (await house.rows('SHOW TABLES IN v')).map((r) => r['table']),
    ['a', 'b', 'small', 't'],
  );
  assert.ok((await house.rows('SHOW SCHEMAS')).some((r) => r['schema'] === 'v'));
  assert.equal(
    (await house.rows('SHOW COLUMNS FROM v.t')).map((r) => r['column']),
    ['id', 'g'],
  );
  assert.equal(
    (await house.rows('DESCRIBE v.t')).map((r) => r['column_name']),
    ['id', 'g'],
  );
  assert.is((await house.rows('SUMMARIZE v.t')).length, 2);
});

test('metadata tables', async () => {
  const rows = await house.rows(`SELECT operation, summary['operation'] AS s FROM "d"."t$snapshots" ORDER BY committed_at`);
  assert.equal(rows, [
    { operation: 'append', s: 'append' },
    { operation: 'delete', s: 'delete' },
    { operation: 'append', s: 'append' },
  ]);
  assert.equal(await house.rows(`SELECT content, sum(record_count)::BIGINT AS n FROM d."t$files" GROUP BY 1 ORDER BY 1`), [
    { content: 'DATA', n: 21n },
    { content: 'POSITION_DELETES', n: 3n },
  ]);
  assert.equal(await house.rows(`SELECT count(*) AS n FROM d."t$manifests"`), [{ n: 3n }]);
  assert.equal(await house.rows(`SELECT bool_and(is_current_ancestor) AS b, count(*) AS n FROM d."t$history"`), [{ b: true, n: 3n }]);
  assert.equal(
    await house.rows(`SELECT partition->>'p1000' AS p, record_count FROM s."t$partitions" WHERE partition->>'p1000' IS NOT NULL ORDER BY 1 LIMIT 1`),
    [{ p: '0', record_count: 1n }],
  );
  assert.is((await failure(house.rows('SELECT * FROM d."t$nope"'))).code, 'SQL_INVALID');
});

test('errors name line and column of what the user wrote, and near names', async () => {
  const column = await failure(house.rows(`SELECT 'ü漢', /* é */\n  nosuch FROM v.t`));
  assert.is(column.code, 'SQL_INVALID');
  assert.match(column.message, /^line 2:3: .*nosuch.*not found/);
  assert.equal(column.where, { line: 2, column: 3 });
  const behind = await failure(
    house.rows(`SELECT *\nFROM tt.t FOR VERSION AS OF ${(await house.load('tt.t')).snapshots[0]?.['snapshot-id']} WHERE nosuch = 1`),
  );
  assert.equal(behind.where.line, 2);
  assert.is(behind.where.column, `FROM tt.t FOR VERSION AS OF ${(await house.load('tt.t')).snapshots[0]?.['snapshot-id']} WHERE `.length + 1);
  const syntax = await failure(house.rows('SELECT 1 FROM\nWHERE'));
  assert.match(syntax.message, /^line 2:1: /);
  const table = await failure(house.rows('SELECT *\nFROM v.tt'));
  assert.is(table.code, 'TABLE_MISSING');
  assert.match(table.message, 'line 2:6');
  assert.match(table.hint ?? '', 'did you mean');
  assert.match((await failure(house.rows('SELECT * FROM small'))).hint ?? '', 'v.small');
  assert.is(
    (await failure(house.rows('SELECT $a, $b', { params: { a: 1, c: 2 } }))).message,
    'query parameters: $b has no value; the text has no $c',
  );
  assert.match((await failure(house.rows(`SELECT 'open`))).message, 'line 1:8: a string starts here and never ends');
  const value = await failure(house.rows('SELECT CAST(g AS INTEGER) FROM v.t'));
  assert.is(value.code, 'SQL_VALUE');
});

test('unqualified names live in the default namespace, and names ignore case', async () => {
  assert.equal(await house.rows('SELECT count(*) AS n FROM T', { namespace: 'v' }), [{ n: 20n }]);
  assert.equal(await house.rows('SELECT V.T.id FROM V.T WHERE id = 3'), [{ id: 3n }]);
  assert.equal(await house.rows('WITH t AS (SELECT 1 AS one) SELECT * FROM t'), [{ one: 1 }]);
});

test('another engine’s view is listed and named, never read', async () => {
  const { default: Database } = await import('libsql');
  const database = new Database(join(house.folder, 'meta.db'));
  database
    .prepare(
      `INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, iceberg_type) VALUES ('sluice', 'v', 'foreign_view', 'file:///nowhere.gz.metadata.json', 'VIEW')`,
    )
    .run();
  database.close();
  assert.equal(await house.rows(`SELECT table_type FROM information_schema.tables WHERE table_name = 'foreign_view'`), [{ table_type: 'VIEW' }]);
  assert.ok((await house.rows('SELECT count(*) AS n FROM information_schema.columns')).length === 1);
  const error = await failure(house.rows('SELECT * FROM v.foreign_view'));
  assert.is(error.code, 'FOREIGN_VIEW');
  assert.match(error.hint ?? '', 'CREATE VIEW');
});

test.run();
