import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import pg from 'pg';
import { TestProject } from '../../engine/project.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { until } from '../input-postgresql/lab.js';

interface Bench {
  server: PostgresServer;
  client: pg.Client;
  project: TestProject;
}

const test = suite<Bench>('output postgresql');

test.before(async (bench) => {
  bench.server = await startPostgres();
  bench.client = new pg.Client(bench.server.url);
  await bench.client.connect();
});
test.after(async (bench) => {
  await bench.client.end();
  await bench.server.stop();
});
test.before.each((bench) => {
  bench.project = new TestProject();
});
test.after.each(async (bench) => {
  bench.project.remove();
  await bench.client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
});

const ENV = { PGPASSWORD_TEST: '' };

function config({ server, project }: Bench, out: string, columns: string, more = ''): string {
  ENV.PGPASSWORD_TEST = server.password;
  return project.write(
    'load.yml',
    `in:
  type: file
  path_prefix: data/
  parser: {type: csv, skip_header_lines: 1, columns: [${columns}]}
out:
  type: postgresql
  host: 127.0.0.1
  port: ${server.port}
  user: ${server.user}
  password: {env: PGPASSWORD_TEST}
  database: ${server.database}
  ${out}
${more}`,
  );
}

const COLUMNS = '{name: id, type: long}, {name: name, type: string}, {name: amount, type: "decimal(12,2)"}';

async function run({ project }: Bench, ...args: string[]) {
  const outcome = await project.sluice(['run', 'load.yml', '--json', ...args], { env: ENV });
  const last = JSON.parse(outcome.stdout) as { pipelines?: { run_id: string; written: number; status: string; notes: string[]; rejected: number }[] };
  return { code: outcome.code, told: outcome.stdout + outcome.stderr, summary: last.pipelines?.[0] };
}

async function rows({ client }: Bench, sql: string): Promise<unknown[][]> {
  return (await client.query({ text: sql, rowMode: 'array', types: { getTypeParser: () => (text: string | Buffer) => String(text) } as never })).rows;
}

test('append makes the table, adds rows once, and keeps its cursor in the ledger', async (bench) => {
  config(bench, 'table: orders\n  mode: append', COLUMNS);
  bench.project.write('data/1.csv', 'id,name,amount\n1,one,1.10\n2,"",2.20\n3,,-3.30\n4,\\.,4\n5,"a\nb""c",5\n');
  const first = await run(bench);
  assert.is(first.code, 0, first.told);
  assert.is(first.summary?.written, 5);
  assert.is((await run(bench)).summary?.status, 'up-to-date');
  bench.project.write('data/2.csv', 'id,name,amount\n6,six,6\n');
  assert.is((await run(bench)).summary?.written, 1);
  assert.equal(await rows(bench, 'SELECT id, name, amount FROM orders ORDER BY id'), [
    ['1', 'one', '1.10'],
    ['2', '', '2.20'],
    ['3', null, '-3.30'],
    ['4', '\\.', '4.00'],
    ['5', 'a\nb"c', '5.00'],
    ['6', 'six', '6.00'],
  ]);
  assert.equal(await rows(bench, 'SELECT count(*), count(state) FROM sluice_ledger'), [['2', '1']]);
});

test('a lost metastore or a lost answer never doubles rows', async (bench) => {
  config(bench, 'table: orders\n  mode: append', COLUMNS);
  bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
  for (const point of ['commit.target_committed', 'commit.ledger_written'] as const) {
    const outcome = await bench.project.sluice(['run', 'load.yml', '--json'], {
      env: ENV,
      reach: (at) => {
        if (at === point) throw new Error(`stopped at ${point}`);
      },
    });
    assert.is.not(outcome.code, 0);
    const again = await run(bench);
    assert.is(again.code, 0, again.told);
    assert.equal(await rows(bench, 'SELECT count(*) FROM orders'), [['1']], point);
    await bench.client.query('DROP TABLE orders, sluice_ledger');
    await bench.project.sluice(['state', 'reset', 'load', '--yes'], { env: ENV });
  }
});

test('a table that another session makes at the same moment is filled at the next try', async (bench) => {
  config(bench, 'table: orders\n  mode: append', COLUMNS);
  bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
  const other = new pg.Client(bench.server.url);
  await other.connect();
  try {
    await other.query('BEGIN; CREATE TABLE orders (id bigint, name text, amount numeric(12,2))');
    const loading = run(bench);
    await until(bench.client, `select exists (select 1 from pg_stat_activity where query like 'CREATE TABLE%orders%' and wait_event_type = 'Lock')`);
    await other.query('COMMIT');
    const outcome = await loading;
    assert.is(outcome.code, 0, outcome.told);
    assert.equal(await rows(bench, 'SELECT id, name FROM orders'), [['1', 'one']]);
  } finally {
    await other.end();
  }
});

test('truncate and replace of a new table converge without a ledger, too', async (bench) => {
  bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
  for (const mode of ['truncate', 'replace']) {
    config(bench, `table: new_${mode}\n  mode: ${mode}\n  ledger: none`, COLUMNS);
    const stopped = await bench.project.sluice(['run', 'load.yml'], {
      env: ENV,
      reach: (at) => {
        if (at === 'commit.target_committed') throw new Error('stopped');
      },
    });
    assert.is.not(stopped.code, 0);
    const again = await run(bench);
    assert.is(again.code, 0, again.told);
    assert.equal(await rows(bench, `SELECT id FROM new_${mode}`), [['1']]);
  }
});

test('truncate keeps the table; replace turns it into what the load is; both ignore the state', async (bench) => {
  await bench.client.query(
    'CREATE TABLE orders (id bigint PRIMARY KEY, name text, amount numeric(12,2), extra int DEFAULT 7); INSERT INTO orders VALUES (99)',
  );
  config(bench, 'table: orders\n  mode: truncate', COLUMNS);
  bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
  for (let i = 0; i < 2; i++) assert.is((await run(bench)).summary?.written, 1);
  assert.equal(await rows(bench, 'SELECT id, extra FROM orders'), [['1', '7']]);
  config(bench, 'table: orders\n  mode: replace', '{name: id, type: long}, {name: name, type: string}, {name: amount, type: double}');
  assert.is((await run(bench)).code, 0);
  assert.equal(
    await rows(
      bench,
      "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped",
    ),
    [
      ['id', 'bigint'],
      ['name', 'text'],
      ['amount', 'double precision'],
    ],
  );
  assert.equal(await rows(bench, "SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass AND indisprimary"), [['1']]);
});

test('replace takes values for columns that the server numbered or computed, and drops what is computed', async (bench) => {
  await bench.client.query(
    'CREATE TABLE orders (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text, n int, amount int GENERATED ALWAYS AS (n * 2) STORED, more int GENERATED ALWAYS AS (n * 3) STORED)',
  );
  config(bench, 'table: orders\n  mode: replace', COLUMNS);
  bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
  const end = await run(bench);
  assert.is(end.code, 0, end.told);
  assert.equal(await rows(bench, 'SELECT * FROM orders'), [['1', 'one', '1.00']]);
});

test('replace is refused where a view depends', async (bench) => {
  await bench.client.query('CREATE TABLE orders (id bigint, gone int); CREATE VIEW v AS SELECT gone FROM orders; INSERT INTO orders VALUES (1, 1)');
  config(bench, 'table: orders\n  mode: replace', '{name: id, type: long}');
  bench.project.write('data/1.csv', 'id\n1\n');
  const outcome = await run(bench);
  assert.is.not(outcome.code, 0);
  assert.match(outcome.told, 'orders');
  assert.equal(await rows(bench, 'SELECT * FROM v'), [['1']]);
});

test('merge updates by key and adds the rest', async (bench) => {
  await bench.client.query(
    'CREATE TABLE orders (id bigint PRIMARY KEY, name text, amount numeric(12,2)); INSERT INTO orders VALUES (1, $$old$$, 1), (2, $$stays$$, 2)',
  );
  config(bench, 'table: orders\n  mode: merge', COLUMNS);
  bench.project.write('data/1.csv', 'id,name,amount\n1,new,10\n3,three,3\n');
  assert.is((await run(bench)).code, 0);
  assert.equal(await rows(bench, 'SELECT * FROM orders ORDER BY id'), [
    ['1', 'new', '10.00'],
    ['2', 'stays', '2.00'],
    ['3', 'three', '3.00'],
  ]);
});

test('merge: NULL keys are rejected, double keys are an error unless an order picks one', async (bench) => {
  config(bench, 'table: orders\n  mode: merge\n  keys: [id]', COLUMNS, 'exec: {max_rejects: 1}');
  bench.project.write('data/1.csv', 'id,name,amount\n1,a,1\n1,b,2\n,none,3\n');
  const outcome = await run(bench);
  assert.is(outcome.code, 3);
  assert.match(outcome.told, 'DUPLICATE_KEYS');
  assert.match(outcome.told, 'merge_order_by');
  config(bench, 'table: orders\n  mode: merge\n  keys: [id]\n  merge_order_by: [amount]', COLUMNS, 'exec: {max_rejects: 1}');
  const second = await run(bench);
  assert.is(second.code, 0, second.told);
  assert.is(second.summary?.rejected, 1);
  assert.equal(await rows(bench, 'SELECT id, name FROM orders'), [['1', 'b']]);
  const rejects = await bench.project.query<{ reason: string }>(`SELECT reason FROM sluice_rejects.load WHERE run_id = '${second.summary?.run_id}'`);
  assert.equal(rejects, [{ reason: 'NULL in a key of the merge' }]);
});

test('a full refresh of a merge empties the table and merges by the same rules', async (bench) => {
  const merge = 'table: orders\n  mode: merge\n  keys: [id]';
  config(bench, merge, COLUMNS);
  bench.project.write('data/1.csv', 'id,name,amount\n1,a,1\n');
  assert.is((await run(bench)).code, 0);
  bench.project.write('data/2.csv', 'id,name,amount\n1,b,2\n2,c,3\n');
  assert.is((await run(bench)).code, 0);
  await bench.client.query("INSERT INTO orders VALUES (99, 'stray', 0)");
  const double = await run(bench, '--full-refresh');
  assert.is(double.code, 3, double.told);
  assert.match(double.told, 'DUPLICATE_KEYS');
  config(bench, `${merge}\n  merge_order_by: [amount]`, COLUMNS);
  const refreshed = await run(bench, '--full-refresh');
  assert.is(refreshed.code, 0, refreshed.told);
  assert.equal(await rows(bench, 'SELECT id, name FROM orders ORDER BY id'), [
    ['1', 'b'],
    ['2', 'c'],
  ]);
});

test('merge_rule computes from the old and the new row', async (bench) => {
  await bench.client.query('CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric(12,2)); INSERT INTO orders VALUES (1, 5)');
  config(
    bench,
    'table: orders\n  mode: merge\n  merge_rule: ["amount = T.amount + S.amount"]',
    '{name: id, type: long}, {name: amount, type: "decimal(12,2)"}',
  );
  bench.project.write('data/1.csv', 'id,amount\n1,3\n2,4\n');
  assert.is((await run(bench)).code, 0);
  assert.equal(await rows(bench, 'SELECT * FROM orders ORDER BY id'), [
    ['1', '8.00'],
    ['2', '4.00'],
  ]);
});

test('what the server would change is rejected with its reason', async (bench) => {
  await bench.client.query(
    "CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE t (i smallint, d numeric(5,2), v varchar(3), r real, ts timestamp(0), m mood, n text NOT NULL)",
  );
  config(
    bench,
    'table: t\n  mode: append',
    '{name: i, type: long}, {name: d, type: "decimal(10,4)"}, {name: v, type: string}, {name: r, type: double}, {name: ts, type: datetime}, {name: m, type: string}, {name: n, type: string}',
    'exec: {max_rejects: 100}',
  );
  const bad = [
    '40000,1,abc,0.5,2024-01-01 00:00:00,a,x',
    '1,1.239,abc,0.5,2024-01-01 00:00:00,a,x',
    '1,12345.6,abc,0.5,2024-01-01 00:00:00,a,x',
    '1,1,abcd,0.5,2024-01-01 00:00:00,a,x',
    '1,1,abc,16777217,2024-01-01 00:00:00,a,x',
    '1,1,abc,0.5,2024-01-01 00:00:00.5,a,x',
    '1,1,abc,0.5,2024-01-01 00:00:00,c,x',
  ];
  bench.project.write('data/1.csv', `i,d,v,r,ts,m,n\n1,1.23,abc,0.5,2024-01-01 00:00:01,b,x\n${bad.join('\n')}\n`);
  const outcome = await run(bench);
  assert.is(outcome.code, 0, outcome.told);
  assert.is(outcome.summary?.rejected, bad.length);
  assert.equal(await rows(bench, 'SELECT * FROM t'), [['1', '1.23', 'abc', '0.5', '2024-01-01 00:00:01', 'b', 'x']]);
  const reasons = await bench.project.query<{ column_name: string; record_number: string }>(
    'SELECT column_name, record_number FROM sluice_rejects.load ORDER BY record_number',
  );
  assert.equal(
    reasons.map((reject) => reject.column_name),
    ['i', 'd', 'd', 'v', 'r', 'ts', 'm'],
  );
});

test('a column that the table lacks is an error, or is added', async (bench) => {
  await bench.client.query('CREATE TABLE orders (id bigint)');
  bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
  config(bench, 'table: orders\n  mode: append', COLUMNS);
  const refused = await run(bench);
  assert.is(refused.code, 2);
  assert.match(refused.told, 'TARGET_COLUMNS_MISSING');
  assert.match(refused.told, 'name, amount');
  assert.match(refused.told, 'schema_evolution: add');
  config(bench, 'table: orders\n  mode: append\n  schema_evolution: add', COLUMNS);
  assert.is((await run(bench)).code, 0);
  assert.equal(await rows(bench, 'SELECT * FROM orders'), [['1', 'one', '1.00']]);
});

test('before_load and after_load run in the transaction', async (bench) => {
  await bench.client.query('CREATE TABLE orders (id bigint); CREATE TABLE log (what text)');
  bench.project.write('data/1.csv', 'id\n1\n');
  config(
    bench,
    'table: orders\n  mode: append\n  before_load: "INSERT INTO log VALUES (\'before\')"\n  after_load: "SELECT 1/0"',
    '{name: id, type: long}',
  );
  assert.is.not((await run(bench)).code, 0);
  assert.equal(await rows(bench, 'SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM orders)'), [['0', '0']]);
});

test('a before_load that ends the transaction is refused: the load could be written twice', async (bench) => {
  await bench.client.query('CREATE TABLE orders (id bigint)');
  bench.project.write('data/1.csv', 'id\n1\n');
  for (const hook of ['COMMIT', 'ROLLBACK', 'COMMIT; BEGIN']) {
    config(bench, `table: orders\n  mode: append\n  before_load: "${hook}"`, '{name: id, type: long}');
    const refused = await run(bench);
    assert.is(refused.code, 2, refused.told);
    assert.match(refused.told, 'HOOK_TRANSACTION');
    assert.equal(await rows(bench, 'SELECT id FROM orders'), [], hook);
  }
  // Rows and ledger row are written by then.
  config(bench, 'table: orders\n  mode: append\n  after_load: COMMIT', '{name: id, type: long}');
  assert.is((await run(bench)).code, 0);
  assert.equal(await rows(bench, 'SELECT id FROM orders'), [['1']]);
});

test('a failed check of the table rolls everything back', async (bench) => {
  await bench.client.query('CREATE TABLE orders (id bigint, name text, amount numeric(12,2)); INSERT INTO orders VALUES (1, $$old$$, 1)');
  bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
  config(bench, 'table: orders\n  mode: append', COLUMNS, 'checks: [{type: unique, columns: [id]}]');
  const failed = await run(bench);
  assert.is(failed.code, 3, failed.told);
  assert.match(failed.told, 'id = 1, times = 2');
  assert.equal(await rows(bench, 'SELECT name FROM orders'), [['old']]);
  config(
    bench,
    'table: orders\n  mode: merge\n  keys: [id]',
    COLUMNS,
    'checks: [{type: unique, columns: [id]}, {type: row_count, on: table, max: 1}]',
  );
  const merged = await run(bench);
  assert.is(merged.code, 0, merged.told);
  assert.equal(await rows(bench, 'SELECT name FROM orders'), [['one']]);
});

test('checks of the load read the spool, before anything is sent', async (bench) => {
  bench.project.write('data/1.csv', 'id,name,amount\n1,"a,\"\"b",1.5\n2,,2\n');
  const asked = (check: string): void => void config(bench, 'table: orders\n  mode: append', COLUMNS, `checks: [${check}]`);
  asked('{type: row_count, max: 1}');
  const failed = await run(bench);
  assert.is(failed.code, 3, failed.told);
  assert.match(failed.told, 'rows = 2');
  assert.equal(await rows(bench, "SELECT to_regclass('orders')"), [[null]]);
  asked(
    '{type: row_count, min: 2}, {type: unique, columns: [id], on: load}, {type: sql, on: load, query: "select * from {rows} where amount < 1.5"}',
  );
  assert.is((await run(bench)).code, 0);
});

test('mode is required, and errors of the login hold no password', async (bench) => {
  bench.project.write('data/1.csv', 'id\n1\n');
  config(bench, 'table: orders', '{name: id, type: long}');
  const missing = await run(bench);
  assert.is(missing.code, 2);
  assert.match(missing.told, 'mode');
  config(bench, 'table: orders\n  mode: append', '{name: id, type: long}');
  const outcome = await bench.project.sluice(['run', 'load.yml'], { env: { PGPASSWORD_TEST: 'canary-wrong' } });
  assert.is(outcome.code, 4);
  assert.match(outcome.stderr, 'SQL_LOGIN');
  assert.not.match(outcome.stderr, 'canary-wrong');
});

test.run();
