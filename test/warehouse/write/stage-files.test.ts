import { readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RemoteError, SqlConnection, StageReport } from '../../../src/core/spi/index.js';
import { schemaFieldIdsSql } from '../../../src/warehouse/write/copy-sql.js';
import { openFixture, type Fixture } from './warehouse-fixture.js';

const test = suite<{ f: Fixture }>('stageFiles');
test.before.each(async (context) => {
  context.f = await openFixture();
});
test.after.each((context) => context.f.close());

/** A connection whose first COPYs fail as DuckDB does when it is out of memory. */
function shortOfMemory(sql: SqlConnection, failures: number, seen: string[]): SqlConnection {
  let left = failures;
  return {
    ...sql,
    run: (text) => sql.run(text),
    rows: (text) => {
      if (text.startsWith('COPY')) {
        seen.push(`${text.includes('ORDER BY') ? 'sorted' : 'plain'}${text.includes('hash(') ? ' group' : ''}`);
        if (left-- > 0) return Promise.reject(new Error('Out of Memory Error: failed to allocate data'));
      }
      return sql.rows(text);
    },
  };
}

async function stageWith(f: Fixture, sql: SqlConnection, keepsAll = false): Promise<StageReport> {
  const plan = await f.warehouse.planWrite({
    table: 'shop.t',
    schema: [{ name: 'id', type: 'long' }],
    partitionBy: ['bucket(4, id)'],
    mode: 'append',
  });
  const select = `SELECT nullif(i, 7) AS id, CASE WHEN i % 5 = 0 AND NOT ${keepsAll} THEN 3 ELSE 0 END AS st FROM range(100) t(i)`;
  return f.warehouse.stageFiles(
    plan,
    { select, statusColumn: 'st', ...(keepsAll ? { statuses: { lowest: 0, highest: 0 } } : {}) },
    { runId: 'r', task: 0, sql, record: () => Promise.resolve(), reach: () => undefined },
  );
}

test('out of memory: sorted, then one thread, then groups of partitions; the rows are the same', async ({ f }) => {
  for (const failures of [0, 1, 2, 3]) {
    const seen: string[] = [];
    const report = await stageWith(f, shortOfMemory(f.sql, failures, seen));
    assert.equal([report.rows, report.statuses, report.files], [80, { '3': 20 }, 5], `${failures} failures`);
    const all = await stageWith(f, shortOfMemory(f.sql, failures, []), true);
    assert.equal([all.rows, all.statuses, all.files], [100, {}, 5], `${failures} failures, no other status`);
    assert.equal(
      seen,
      ['plain', 'sorted', 'sorted', ...Array.from({ length: 8 }, () => 'sorted group')].slice(0, failures === 3 ? 11 : failures + 1),
    );
  }
  const [threads] = await f.sql.rows("SELECT current_setting('threads') AS n");
  assert.ok(Number(threads?.['n']) >= 1);
});

test('out of memory to the end is an error with a hint', async ({ f }) => {
  try {
    await stageWith(f, shortOfMemory(f.sql, 99, []));
    assert.unreachable('expected an error');
  } catch (error) {
    assert.is((error as RemoteError).code, 'OUT_OF_MEMORY');
    assert.match((error as RemoteError).hint ?? '', 'memory_limit');
  }
});

test('every path is recorded before it is written, and removeStaged leaves none', async ({ f }) => {
  const recorded: string[] = [];
  const plan = await f.warehouse.planWrite({ table: 'shop.t', schema: [{ name: 'name', type: 'string' }], partitionBy: ['name'], mode: 'append' });
  const select = `SELECT unnest(['../../up', 'a/b', '', '..', 'x y', NULL]) AS name, 0 AS st`;
  const report = await f.warehouse.stageFiles(
    plan,
    { select, statusColumn: 'st' },
    { runId: 'r', task: 0, sql: f.sql, record: (paths) => Promise.resolve(void recorded.push(...paths)), reach: () => undefined },
  );
  const files = (report.staged as readonly { path: string }[]).map((x) => x.path);
  assert.is(files.length, 6);
  assert.ok(files.every((path) => recorded.includes(path)));
  assert.ok(
    files.every((path) => /\/data\/name=[A-Za-z0-9_.-]+\/[0-9a-f-]{36}\.parquet$/.test(path) && !path.includes('/../')),
    files.join('\n'),
  );
  await f.warehouse.removeStaged(recorded);
  const left = readdirSync(plan.location.replace('file://', ''), { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  assert.equal(left, []);
});

test('rule 8: FIELD_IDS names nested fields', () => {
  const sql = schemaFieldIdsSql({
    fields: [
      { id: 1, name: 'a"b', required: false, type: 'long' },
      { id: 20, name: 'li', required: false, type: { type: 'list', 'element-id': 21, element: 'long', 'element-required': false } },
      { id: 22, name: 'st', required: false, type: { type: 'struct', fields: [{ id: 23, name: 'x', required: false, type: 'long' }] } },
      {
        id: 25,
        name: 'mp',
        required: false,
        type: { type: 'map', 'key-id': 26, key: 'string', 'value-id': 27, value: 'double', 'value-required': false },
      },
    ],
  });
  assert.is(
    sql,
    '{"a""b": 1, "li": {__duckdb_field_id: 20, element: 21}, "st": {__duckdb_field_id: 22, "x": 23}, "mp": {__duckdb_field_id: 25, key: 26, value: 27}}',
  );
});

test.run();
