import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../../src/core/spi/index.js';
import { read, startPgLab, type PgLab } from './lab.js';

let pg: PgLab;
test.before(async () => {
  pg = await startPgLab();
  await pg.client.query(`
    create table my_table (col1 bigint primary key, col2 varchar(10), col3 timestamp, col4 text, col5 text, updated_at timestamp not null);
    insert into my_table values
      (1, 'x', '2015-01-02 03:04:05', 'a', null, '2015-01-01'),
      (2, 'y', '2015-02-03 20:00:00', 'b', null, '2015-01-02'),
      (3, null, null, 'c', null, '2015-01-02');
    create table table1 (id bigint, name text); create table table2 (id bigint, t1_id bigint, name text);
    insert into table1 values (1, 'one'), (2, 'two'); insert into table2 values (7, 1, 'seven')`);
});
test.after(() => pg.stop());

const run = (config: JsonObject): ReturnType<typeof read> => read({ ...pg.connection, ...config });

test('a table with select, where and order_by', async () => {
  const { rows } = await run({ table: 'my_table', select: 'col1, col2, col3', where: "col4 != 'a'", order_by: 'col1 DESC', schema: 'public' });
  assert.equal(rows, [
    ['3', null, null],
    ['2', 'y', '2015-02-03 20:00:00'],
  ]);
});

test('a query', async () => {
  const { rows } = await run({
    query: `SELECT t1.id, t1.name, t2.id AS t2_id, t2.name AS t2_name
      FROM table1 AS t1
      LEFT JOIN table2 AS t2
      ON t1.id = t2.t1_id
      ORDER BY t1.id`,
  });
  assert.equal(rows, [
    ['1', 'one', '7', 'seven'],
    ['2', 'two', null, null],
  ]);
});

test('incremental loading by a time and a key', async () => {
  const config = { table: 'my_table', incremental: true, incremental_columns: ['updated_at', 'col1'] };
  const first = await run(config);
  assert.is(first.rows.length, 3);
  assert.equal((first.state as JsonObject)['last_record'], ['2015-01-02 00:00:00', '3']);
  // Embulk writes a timestamp with T and six digits.
  const second = await run({ ...config, last_record: ['2015-01-02T00:00:00.000000', 2] });
  assert.equal(
    second.rows.map(([id]) => id),
    ['3'],
  );
});

test('a query with placeholders', async () => {
  const { rows } = await run({
    query: `SELECT foo.col1 as foo_id, bar.name
      FROM my_table foo LEFT JOIN table1 bar ON foo.col1 = bar.id
      WHERE foo.col4 IN ('b', 'c')
      AND foo.col1 > :foo_id
      ORDER BY foo.col1`,
    use_raw_query_with_incremental: true,
    incremental_columns: ['foo_id'],
    incremental: true,
    last_record: [2],
  });
  assert.equal(rows, [['3', null]]);
});

test('column options, and SQL after the read', async () => {
  const { plan, rows } = await run({
    table: 'my_table',
    select: 'col1, col2, col3',
    where: "col4 != 'a'",
    default_column_options: { TIMESTAMP: { type: 'string', timestamp_format: '%Y/%m/%d %H:%M:%S', timezone: '+0900' }, BIGINT: { type: 'string' } },
    column_options: { col1: { type: 'long' }, col3: { type: 'string', timestamp_format: '%Y/%m/%d', timezone: '+0900' } },
    after_select: "update my_table set col5 = '1' where col4 != 'a'",
  });
  assert.equal(
    plan.columns.map(({ type }) => type),
    ['long', 'string', 'string'],
  );
  assert.equal(rows[0], ['2', 'y', '2015/02/04']);
  const { rows: marked } = await pg.client.query("select 1 from my_table where col5 = '1'");
  assert.is(marked.length, 2);
});

test('keys that have no effect here are accepted and named', async () => {
  const { plan } = await run({
    table: 'my_table',
    incremental: false,
    fetch_rows: 1000,
    driver_path: '/opt/postgresql.jar',
    connect_timeout: 300,
    socket_timeout: 1800,
    application_name: 'embulk',
    statement_timeout_millis: 60_000,
    default_timezone: 'UTC',
    ssl: true,
  });
  for (const word of ['fetch_rows', 'driver_path', 'without verifying'])
    assert.ok(
      plan.notes.some((note) => note.includes(word)),
      word,
    );
});

test.run();
