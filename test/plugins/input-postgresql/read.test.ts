import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkInput } from '../../../src/conformance/index.js';
import input from '../../../src/plugins/input-postgresql/index.js';
import { SluiceError, type JsonObject } from '../../../src/core/spi/index.js';
import type { ReadTask } from '../../../src/plugins/input-postgresql/plan.js';
import { readChunks } from '../../../src/plugins/input-postgresql/read.js';
import { plugin, read, startPgLab, until, withLab, type PgLab, type PostgresqlInputConfig } from './lab.js';

let pg: PgLab;
test.before(async () => void (pg = await startPgLab()));
test.after(() => pg.stop());

async function fails(config: JsonObject): Promise<SluiceError> {
  try {
    await read({ ...pg.connection, ...config });
  } catch (error) {
    assert.instance(error, SluiceError);
    return error as SluiceError;
  }
  throw new Error('expected an error');
}

test('keeps the contract of inputs', async () => {
  await pg.client.query(`create table contract (id int primary key, name text); insert into contract values (1, 'a'), (2, null), (3, '')`);
  await pg.client.query('create table empty_one (id int primary key)');
  const rows = [
    ['1', 'a'],
    ['2', null],
    ['3', ''],
  ];
  await checkInput(input, [
    { title: 'a table', config: { ...pg.connection, table: 'contract' }, rows },
    { title: 'a query', config: { ...pg.connection, query: 'select id, name from contract order by id' }, rows },
    {
      title: 'incremental',
      config: { ...pg.connection, table: 'contract', incremental: true },
      rows,
      state: { columns: ['id'], last_record: ['3'] },
    },
    { title: 'an empty table', config: { ...pg.connection, table: 'empty_one' }, rows: [] },
    { title: 'no such table', config: { ...pg.connection, table: 'contracts' }, error: 'SQL_NO_TABLE' },
    { title: 'nothing chosen', config: { ...pg.connection }, error: 'SQL_SELECTION' },
  ]);
});

test('where, select, order_by and schemas', async () => {
  await pg.client.query(
    `create schema sales; create table sales."Orders" (id int, v int); insert into sales."Orders" select i, i * 10 from generate_series(1, 5) i`,
  );
  const names = await read({ ...pg.connection, table: 'sales."Orders"', where: 'id > 3 -- few', order_by: 'id desc' });
  assert.equal(names.rows, [
    ['5', '50'],
    ['4', '40'],
  ]);
  const schema = await read({ ...pg.connection, schema: 'sales', table: 'Orders', select: 'v, id + 1 as "next id"', where: 'id = 1' });
  assert.equal(
    schema.plan.columns.map(({ name }) => name),
    ['v', 'next id'],
  );
  assert.equal(schema.rows, [['10', '2']]);
  const options = await read({
    ...pg.connection,
    query: `select now() at time zone 'UTC' = localtimestamp as same, current_setting('work_mem') as mem`,
    options: { work_mem: '7MB' },
  });
  assert.equal(options.rows, [['true', '7MB']]);
});

test('one column: NULL, empty text, line ends and \\. stay apart', async () => {
  await pg.client.query(
    String.raw`create table one_column (v text); insert into one_column values (null), (''), (E'a\nb'), ('\.'), (null), (E'\r'), ('x')`,
  );
  const { rows } = await read({ ...pg.connection, table: 'one_column' });
  assert.equal(
    rows.map(([v]) => v),
    [null, '', 'a\nb', String.raw`\.`, null, '\r', 'x'],
  );
});

test('many rows, wide rows and huge values come whole by both ways of reading', async () => {
  await pg.client.query(`create table big as select i as id, repeat('x', i % 300) || chr(10) || '"' as v from generate_series(1, 50000) i;
    insert into big values (0, repeat('y', 20000000))`);
  const { rows, results } = await read({ ...pg.connection, query: 'select id, length(v) as n, md5(v) as h, v from big order by id' });
  assert.is(rows.length, 50_001);
  assert.is(rows[0]?.[3]?.length, 20_000_000);
  assert.is(results[0]?.verdict.read, 50_001);
  const { createHash } = await import('node:crypto');
  for (const [, n, h, v] of rows) {
    if (
      String(v?.length) !== n ||
      createHash('md5')
        .update(v ?? '')
        .digest('hex') !== h
    )
      throw new Error(`a value of length ${n} came back changed`);
  }
});

test('ranges share one snapshot while rows move', async () => {
  await pg.client.query(
    `create table moving (id int primary key, v int) with (fillfactor = 100); insert into moving select i, 0 from generate_series(1, 20000) i`,
  );
  const config = { ...pg.connection, table: 'moving', parallel_ranges: 4 };
  let stop = false;
  const writer = (async () => {
    for (let i = 0; !stop; i++) await pg.client.query('update moving set v = $1 where id between $2 and $2 + 500', [i, (i * 501) % 19_000]);
  })();
  try {
    for (let round = 0; round < 3; round++) {
      const { plan, rows } = await read(config);
      assert.ok(plan.notes.some((note) => note.includes('4 ranges')));
      assert.is(rows.length, 20_000);
      assert.is(new Set(rows.map(([id]) => id)).size, 20_000);
    }
  } finally {
    stop = true;
    await writer;
  }
});

test('ranges are given up where they make no sense', async () => {
  const view = await read({ ...pg.connection, query: 'select 1 as a', parallel_ranges: 2 });
  assert.ok(view.plan.notes.some((note) => note.includes('only a plain table')));
  assert.equal(view.rows, [['1']]);
  const one = await read({ ...pg.connection, table: 'contract', parallel_ranges: 3, max_connections: 1 });
  assert.is(one.rows.length, 3);
});

test('the reading transaction sees one snapshot and cannot write', async () => {
  await pg.client.query(`create function sneak() returns int language sql as 'insert into contract values (99) returning id'`);
  const error = await fails({ query: 'select sneak() as n' });
  assert.is(error.code, 'SQL_DENIED');
  assert.match(error.message, /read-only transaction/);
});

test('before_setup, before_select and after_select run around the read', async () => {
  await pg.client.query('create table steps (n serial, what text)');
  const note = (what: string): string => `insert into steps (what) values ('${what}')`;
  const hooks = { before_setup: note('setup'), before_select: note('before'), after_select: note('after') };
  await read({ ...pg.connection, table: 'contract', ...hooks });
  // Once each, however many sessions read.
  const { plan } = await read({ ...pg.connection, table: 'contract', parallel_ranges: 3, ...hooks });
  assert.ok(plan.notes.some((text) => text.includes('3 ranges')));
  const { rows } = await pg.client.query<{ what: string }>('select what from steps order by n');
  assert.equal(
    rows.map(({ what }) => what),
    ['setup', 'before', 'after', 'setup', 'before', 'after'],
  );
});

test('tables with wildcards become streams', async () => {
  await pg.client.query(
    `create table shop_a (id int primary key); create table shop_b (id int primary key); create table shop_old (id int); create table sales.shop_c (id int)`,
  );
  await withLab(async (lab) => {
    const ctx = { ...lab.context(), place: lab.place };
    const streams = await plugin.streams?.({ ...pg.connection, tables: ['shop_?', 'sales.*'], exclude_tables: ['sales.Ord*'] }, ctx);
    assert.equal(
      streams?.map(({ name, config }) => [name, config['table'], config['tables']]),
      [
        ['shop_a', 'public.shop_a', undefined],
        ['shop_b', 'public.shop_b', undefined],
        ['sales.shop_c', 'sales.shop_c', undefined],
      ],
    );
    const one = await plugin.streams?.({ ...pg.connection, table: 'shop_a' }, ctx);
    assert.is(one, undefined);
    const error = await plugin.streams?.({ ...pg.connection, tables: ['shop_x*'] }, ctx).then(
      () => undefined,
      (e: unknown) => e as SluiceError,
    );
    assert.is(error?.code, 'SQL_NO_TABLE');
  });
});

test('guess, probe and discover', async () => {
  await pg.client.query(
    `create table guessed (id int primary key, updated_at timestamptz not null, amount numeric); insert into guessed select i, now(), i from generate_series(1, 100) i; analyze guessed`,
  );
  await withLab(async (lab) => {
    const ctx = lab.context();
    const guess = await plugin.guess?.({ ...pg.connection, table: 'guessed' }, ctx);
    const text = guess?.notes.map((note) => note.text).join('\n') ?? '';
    assert.match(text, /about 100 rows, 3 columns, primary key id/);
    assert.match(text, /incremental_columns: \[updated_at, id\]/);
    assert.match(guess?.warnings.join() ?? '', /amount \(numeric\) has no precision/);
    assert.is(guess?.timeColumn, 'updated_at');
    assert.match((await plugin.probe?.(pg.connection, ctx)) ?? '', /^PostgreSQL \d+\.\d+$/);
    const tables = (await plugin.discover?.(pg.connection, ctx)) ?? [];
    assert.equal(
      tables.find(({ name }) => name === 'public.guessed'),
      {
        name: 'public.guessed',
        kind: 'table',
        columns: [
          { name: 'id', sourceType: 'integer', type: 'long', nullable: false },
          { name: 'updated_at', sourceType: 'timestamp with time zone', type: 'timestamp', nullable: false },
          { name: 'amount', sourceType: 'numeric', type: 'string', nullable: true },
        ],
        primaryKey: ['id'],
        rows: 100,
      },
    );
  });
});

test('errors of the config are placed and say what to do', async () => {
  const table = await fails({ table: 'contrakt' });
  assert.is(table.code, 'SQL_NO_TABLE');
  assert.match(table.message, /did you mean "contract"/);
  assert.is(table.where.path, 'table');
  const where = await fails({ table: 'contract', where: 'nope = 1' });
  assert.is(where.code, 'SQL_STATEMENT');
  assert.is(where.where.path, 'where');
  assert.is((await fails({ table: 'contract', order_by: 'nope' })).where.path, 'order_by');
  assert.is((await fails({ table: 'contract', select: 'nope' })).where.path, 'select');
  assert.is((await fails({ query: 'select 1 +' })).where.path, 'query');
  assert.is((await fails({ query: 'select 1 as a, 2 as a' })).code, 'SQL_COLUMNS');
  assert.is((await fails({ table: 'a', query: 'b' })).code, 'SQL_SELECTION');
  assert.is((await fails({ query: 'select 1 as a', where: 'true' })).code, 'SQL_SELECTION');
  assert.is((await fails({ table: 'contract', password: 'wrong' })).code, 'SQL_LOGIN');
  assert.is((await fails({ table: 'contract', database: 'nowhere' })).code, 'SQL_DATABASE');
  assert.is((await fails({ table: 'contract', options: { no_such_setting: 1 } })).where.path, 'options');
  assert.is((await fails({ table: 'contract', column_options: { nope: { type: 'long' } } })).code, 'COLUMN_UNKNOWN');
  await pg.client.query(`create role nobody login password 'nobody'`);
  const denied = await fails({ table: 'contract', user: 'nobody', password: 'nobody' });
  assert.is(denied.code, 'SQL_DENIED');
  assert.is(denied.exitCode, 4);
  assert.not.ok(denied.retryable);
});

test('limits: statement_timeout_millis, max_transaction_secs, rows_per_second', async () => {
  const timeout = await fails({ query: 'select pg_sleep(30)::text as s', statement_timeout_millis: 100 });
  assert.is(timeout.code, 'SQL_TIMEOUT');
  const open = await fails({ query: 'select pg_sleep(30)::text as s', max_transaction_secs: 0.2 });
  assert.is(open.code, 'SQL_TRANSACTION_LIMIT');
  assert.not.ok(open.retryable);
  assert.match(open.hint ?? '', /max_transaction_secs/);
  const waits: number[] = [];
  await withLab(async (lab) => {
    const ctx = { ...lab.context(), clock: { now: () => 0, sleep: (ms: number) => Promise.resolve(void waits.push(ms)) } };
    const config = { ...pg.connection, query: 'select i from generate_series(1, 100000) i', rows_per_second: 1000 };
    const plan = await plugin.plan(config, { ...ctx, place: lab.place, state: undefined, useState: true });
    let count = 0;
    for await (const { bytes, rows } of readChunks(plan.tasks[0] as unknown as ReadTask, config as unknown as PostgresqlInputConfig, ctx)) {
      assert.is(bytes.at(-1), 10, 'a chunk ends with a row');
      count += rows;
    }
    assert.is(count, 100_000);
  });
  assert.is(waits.at(-1), 100_000);
});

test('a reader that stops early leaves no session at the server', async () => {
  await withLab(async (lab) => {
    const config = { ...pg.connection, query: 'select i, repeat($$x$$, 1000) as v from generate_series(1, 1000000) i', application_name: 'leaver' };
    const plan = await plugin.plan(config, { ...lab.context(), place: lab.place, state: undefined, useState: true });
    let bytes = 0;
    for await (const chunk of readChunks(plan.tasks[0] as unknown as ReadTask, config as unknown as PostgresqlInputConfig, lab.context())) {
      bytes += chunk.bytes.length;
      if (bytes > 100_000) break;
    }
  });
  await until(pg.client, `select count(*) = 0 from pg_stat_activity where application_name = 'leaver'`);
});

test.run();
