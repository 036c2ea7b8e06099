import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase, type Database, type DuckConnection } from '../../../src/core/duckdb/index.js';
import { parsePlanFilters } from '../../../src/core/duckdb/plan-filters.js';
import { readScans, scanPredicates } from '../../../src/core/duckdb/scan-predicates.js';

/** The contract with DuckDB's EXPLAIN: when a new version prints otherwise, these tests say where. */

let folder: string;
let database: Database;
let sql: DuckConnection;
const TYPES = ['BIGINT', 'TIMESTAMPTZ', 'VARCHAR', 'DOUBLE', 'DATE', 'DECIMAL(12,2)', 'BOOLEAN', 'TIMESTAMP', 'INTEGER', 'FLOAT'];
const NAMES = ['id', 'time', 'name', 'd', 'dt', 'amount', 'b', 'ts', 'i', 'f'];

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-test-scan-'));
  database = await openDatabase({ threads: 1 });
  sql = await database.connect();
  for (const table of [1, 2]) {
    const columns = TYPES.map((type, i) => `CAST(NULL AS ${type}) AS k${table}_c${i + 1}`).join(', ');
    const files = [0, 1].map((i) => join(folder, `${table}.${i}.parquet`));
    for (const file of files) await sql.run(`COPY (SELECT ${columns} LIMIT 0) TO '${file}' (FORMAT parquet)`);
    await sql.run(
      `CREATE VIEW t${table} AS SELECT ${NAMES.map((n, i) => `k${table}_c${i + 1} AS "${n}"`).join(', ')} FROM read_parquet([${files.map((f) => `'${f}'`).join(', ')}])`,
    );
  }
});
test.after(async () => {
  sql.close();
  database.close();
  await rm(folder, { recursive: true, force: true });
});

const number = (text: string): object => ({ kind: 'number', text });
const text = (value: string, type?: string): object => ({ kind: 'string', text: value, ...(type === undefined ? {} : { type }) });
const compare = (field: number, op: string, value: object): object => ({ kind: 'compare', field, op, value });

async function predicates(where: string): Promise<unknown> {
  const scans = await scanPredicates(sql, `SELECT * FROM t1 WHERE ${where}`);
  assert.is(scans?.length, 1, where);
  assert.is(scans?.[0]?.table, 1);
  return scans?.[0]?.predicates;
}

test('comparisons of every type arrive with exact constants', async () => {
  assert.equal(await predicates('id = 9223372036854775807'), [compare(1, '=', number('9223372036854775807'))]);
  assert.equal(await predicates('id > -5 AND id < 7'), [{ kind: 'and', items: [compare(1, '>', number('-5')), compare(1, '<', number('7'))] }]);
  assert.equal(await predicates(`time >= '2024-01-01 09:00:00+09:00'`), [
    compare(2, '>=', text('2024-01-01 00:00:00+00', 'TIMESTAMP WITH TIME ZONE')),
  ]);
  assert.equal(await predicates(`name = 'it''s'`), [compare(3, '=', text(`it's`))]);
  assert.equal(await predicates('d <= 1.5'), [compare(4, '<=', number('1.5'))]);
  assert.equal(await predicates(`dt = '2024-02-29'`), [compare(5, '=', text('2024-02-29', 'DATE'))]);
  assert.equal(await predicates('amount >= 1.5'), [compare(6, '>=', number('1.50'))]);
  assert.equal(await predicates('b'), [compare(7, '=', { kind: 'boolean', text: 'true' })]);
  assert.equal(await predicates('NOT b'), [compare(7, '=', { kind: 'boolean', text: 'false' })]);
  assert.equal(await predicates(`ts < '1960-01-01 00:00:00.000001'`), [compare(8, '<', text('1960-01-01 00:00:00.000001', 'TIMESTAMP'))]);
});

test('IN, NULL tests, OR, prefixes and truncated times arrive, too', async () => {
  assert.equal(await predicates(`name IN ('a', 'b''c')`), [{ kind: 'in', field: 3, values: [text('a'), text(`b'c`)] }]);
  assert.equal(await predicates('d IS NULL'), [{ kind: 'null', field: 4, isNull: true }]);
  assert.equal(await predicates('d IS NOT NULL'), [{ kind: 'null', field: 4, isNull: false }]);
  assert.equal(await predicates(`dt = DATE '2024-01-01' OR dt IS NULL`), [
    { kind: 'or', items: [compare(5, '=', text('2024-01-01', 'DATE')), { kind: 'null', field: 5, isNull: true }] },
  ]);
  assert.equal(await predicates(`name LIKE 'ab%'`), [{ kind: 'and', items: [compare(3, '>=', text('ab')), compare(3, '<', text('ac'))] }]);
  const day = (await predicates(`date_trunc('day', time) = '2024-01-02'`)) as { items: unknown[] }[];
  assert.is(day[0]?.items.length, 2);
});

test('what is not understood is unknown and keeps its neighbours', async () => {
  assert.equal(await predicates('id <> 3 AND d > 2'), [{ kind: 'unknown' }, compare(4, '>', number('2.0'))]);
  assert.equal(await predicates('amount > 1e3'), [{ kind: 'unknown' }]);
  assert.equal(await predicates(`starts_with(name, 'x') AND id = 1`), [compare(1, '=', number('1')), { kind: 'unknown' }]);
  assert.equal(await predicates(`name = 'a\nb' AND id = 1`), [compare(1, '=', number('1')), { kind: 'unknown' }]);
});

test('parameters arrive as constants of the column', async () => {
  const scans = await scanPredicates(sql, 'SELECT * FROM t1 WHERE id = $n AND time < $t', (statement) => statement.bind({ n: 5n, t: '2024-01-01' }));
  assert.equal(scans?.[0]?.predicates, [compare(1, '=', number('5')), compare(2, '<', text('2024-01-01 00:00:00+00', 'TIMESTAMP WITH TIME ZONE'))]);
});

test('each scan of a join, CTE, union and subquery is told apart', async () => {
  const scans = await scanPredicates(
    sql,
    `WITH c AS (SELECT * FROM t2 WHERE dt > '2024-01-01') SELECT a.id FROM t1 a JOIN c ON a.id = c.id WHERE a.d > 1 AND a.name IN (SELECT name FROM t1 WHERE i = 4)`,
  );
  const of = (table: number): unknown[] => scans?.filter((s) => s.table === table).map((s) => s.predicates) ?? [];
  assert.is(of(1).length, 2);
  assert.is(of(2).length, 1);
  assert.ok(JSON.stringify(of(1)).includes('"field":9'));
  assert.ok(JSON.stringify(of(2)).includes('2024-01-01'));
});

test('tables that cannot give a row are not scanned; scans without a name give no answer', async () => {
  assert.equal(await scanPredicates(sql, 'SELECT * FROM t1 LIMIT 0'), []);
  assert.equal(await scanPredicates(sql, 'SELECT * FROM t1 WHERE id > 1 AND id < 0'), []);
  assert.is(await scanPredicates(sql, 'SELECT count(*) FROM t1'), undefined);
});

test('a top-n does not hide that all rows may be needed', async () => {
  const scans = await scanPredicates(sql, 'SELECT * FROM t1 ORDER BY id LIMIT 3');
  assert.ok(scans?.some((s) => s.predicates?.length === 0));
});

test('doubtful text is never trusted', () => {
  assert.is(parsePlanFilters(['k1_c1=1 OR', 'k1_c2=2']), undefined);
  assert.is(parsePlanFilters([`k1_c3='open`]), undefined);
  assert.is(parsePlanFilters(['(k1_c1=1', 'k1_c2=2)']), undefined);
  assert.equal(parsePlanFilters(['optional: Dynamic Filter (k1_c1)']), []);
  assert.equal(parsePlanFilters([`k1_c3 IN ('x`, `', 'y')`]), [{ kind: 'unknown' }]);
  assert.equal(parsePlanFilters('(((k1_c1=1) OR (k1_c1=2)))'), [{ kind: 'or', items: [compare(1, '=', number('1')), compare(1, '=', number('2'))] }]);
  assert.equal(parsePlanFilters(`((lower(k1_c3) = 'a') AND (k1_c1 > 4))`), [
    { kind: 'and', items: [{ kind: 'unknown' }, compare(1, '>', number('4'))] },
  ]);
  assert.equal(parsePlanFilters(`${'('.repeat(500)}k1_c1=1${')'.repeat(500)}`), [{ kind: 'unknown' }]);
});

test('plans of another shape give no answer', () => {
  assert.is(readScans('not json'), undefined);
  assert.is(readScans('[{"title": "READ_PARQUET"}]'), undefined);
  assert.is(readScans('[{"name": "READ_PARQUET", "extra_info": {"Filters": "k1_c1=1 AND k2_c1=1"}}]'), undefined);
});

test.run();
