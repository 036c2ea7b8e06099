import { test } from 'uvu';
import * as assert from 'uvu/assert';
import pgDriver from 'pg';
import { ConfigError, type JsonObject, type JsonValue } from '../../../src/core/spi/index.js';
import { read, startPgLab, type PgLab } from './lab.js';

let pg: PgLab;
test.before(async () => void (pg = await startPgLab()));
test.after(() => pg.stop());

const ids = (rows: readonly (readonly (string | null)[])[]): string[] => rows.map((row) => row[0] ?? '').sort();

async function fails(config: JsonObject, state?: JsonValue): Promise<ConfigError> {
  try {
    await read({ ...pg.connection, ...config }, state);
  } catch (error) {
    assert.instance(error, ConfigError);
    return error as ConfigError;
  }
  throw new Error('expected an error');
}

test('one column: rows after the last, up to the greatest at plan', async () => {
  await pg.client.query(`create table one (id bigint primary key, v text); insert into one values (1, 'a'), (9007199254740993, 'b')`);
  const config = { ...pg.connection, table: 'one', incremental: true };
  const first = await read(config, undefined, {
    between: async () => void (await pg.client.query(`insert into one values (9007199254740995, 'late')`)),
  });
  assert.equal(ids(first.rows), ['1', '9007199254740993'], 'a row that came after the plan waits');
  assert.equal(first.state, { columns: ['id'], last_record: ['9007199254740993'] });
  const second = await read(config, first.state);
  assert.equal(ids(second.rows), ['9007199254740995']);
  const third = await read(config, second.state);
  assert.equal(third.plan.tasks, [], 'nothing new, no task');
});

test('several columns break ties', async () => {
  await pg.client.query(`create table ties (at timestamptz not null, id int not null, v text);
    insert into ties values ('2024-01-01 00:00:00.000001+00', 1, ''), ('2024-01-01 00:00:00.000001+00', 2, '')`);
  const config = { ...pg.connection, table: 'ties', incremental_columns: ['at', 'id'] };
  const first = await read(config);
  assert.equal(first.state, { columns: ['at', 'id'], last_record: ['2024-01-01 00:00:00.000001+00', '2'] });
  await pg.client.query(`insert into ties values ('2024-01-01 00:00:00.000001+00', 3, 'tie'), ('2023-12-31 00:00:00+00', 9, 'old')`);
  const second = await read(config, first.state);
  assert.equal(
    second.rows.map((row) => row[1]),
    ['3'],
  );
});

test('lag with a key: late commits come once each, whatever the moment of their commit', async () => {
  await pg.client.query(`create table late (id int primary key, at timestamptz not null);
    insert into late values (1, '2024-01-01 00:00+00'), (2, '2024-01-01 01:00+00')`);
  const config = { ...pg.connection, table: 'late', incremental_columns: ['at'], lag: '10m', primary_key: ['id'] };
  const seen: string[] = [];
  // 3 is committed late but before the window ends; 4 between the plan and the read; 5 too late.
  const first = await read(config, undefined, {
    between: async () => void (await pg.client.query(`insert into late values (4, '2024-01-01 00:55+00')`)),
  });
  seen.push(...ids(first.rows));
  assert.equal(seen, ['1', '2'], 'a row that the plan did not list is left to the next run');
  await pg.client.query(`insert into late values (3, '2024-01-01 00:50+00'), (5, '2024-01-01 00:49:59+00'), (6, '2024-01-01 01:05+00')`);
  const second = await read(config, first.state);
  assert.equal(ids(second.rows), ['3', '4', '6']);
  const third = await read(config, second.state);
  assert.equal(third.rows, []);
  assert.equal(third.plan.rereads, undefined);
  const state = second.state as { loaded: { from: string; rows: string[][] } };
  assert.is(state.loaded.from, '2024-01-01 00:55:00+00');
  assert.equal(
    state.loaded.rows.map((row) => row[1]),
    ['2', '4', '6'],
  );
});

test('lag with a key sees a changed row again, and a grown lag repeats nothing', async () => {
  await pg.client.query(`create table changed (id int primary key, n int not null); insert into changed select i, i from generate_series(1, 20) i`);
  const config = { ...pg.connection, table: 'changed', incremental_columns: ['n'], lag: 5, primary_key: ['id'] };
  const first = await read(config);
  assert.is(first.rows.length, 20);
  await pg.client.query(`update changed set n = 18 where id = 3`);
  const second = await read({ ...config, lag: 15 }, first.state);
  assert.equal(second.rows, [['3', '18']]);
});

test('lag without a key reads the window again and says so', async () => {
  await pg.client.query(`create table again (id int primary key); insert into again select * from generate_series(1, 20)`);
  const config = { ...pg.connection, table: 'again', incremental_columns: ['id'], lag: 3 };
  const first = await read(config);
  assert.is(first.plan.rereads, undefined, 'the first run repeats nothing');
  const second = await read(config, first.state);
  assert.equal(second.rows.length, 4);
  assert.is(second.plan.rereads, true);
});

test('a replacing mode reads everything and stores the new cursor', async () => {
  await pg.client.query(`create table whole (id int primary key); insert into whole values (1), (2)`);
  const all = await read({ ...pg.connection, table: 'whole', incremental: true }, { columns: ['id'], last_record: ['1'] }, { useState: false });
  assert.equal(ids(all.rows), ['1', '2']);
  assert.equal(all.state, { columns: ['id'], last_record: ['2'] });
});

test('last_record: of the config, of Embulk’s state; the state wins', async () => {
  await pg.client.query(`create table started (id int primary key); insert into started select * from generate_series(1, 5)`);
  const config = { ...pg.connection, table: 'started', incremental: true, last_record: [2] };
  assert.equal(ids((await read(config)).rows), ['3', '4', '5']);
  assert.equal(ids((await read(config, { in: { last_record: [4] } })).rows), ['5']);
  assert.equal(ids((await read(config, { columns: ['id'], last_record: ['3'] })).rows), ['4', '5']);
});

test('cursors of a query, a select list and awkward values', async () => {
  await pg.client.query(`create table "Odd Names" ("Key's" text primary key, v int);
    insert into "Odd Names" values ('a''\\b', 1), ('z', 2)`);
  const config = { ...pg.connection, query: 'select "Key\'s" as k, v from "Odd Names" where v > 0 -- all\n;', incremental_columns: ['k'] };
  const first = await read(config, { columns: ['k'], last_record: ["a'\\b"] });
  assert.equal(first.rows, [['z', '2']]);
  const chosen = await read({ ...pg.connection, table: '"Odd Names"', select: 'v + 1 as n, v', where: 'v < 2 -- few', incremental_columns: ['n'] });
  assert.equal(chosen.rows, [['2', '1']]);
});

test('a query with placeholders, as in Embulk', async () => {
  await pg.client.query(`create table raw_query (id int primary key, v text); insert into raw_query select i, ':id' from generate_series(1, 5) i`);
  const config = {
    ...pg.connection,
    query: `select id, v::text from raw_query where id > :id and v = ':id' order by id -- :id`,
    use_raw_query_with_incremental: true,
    incremental_columns: ['id'],
    last_record: [3],
  };
  const first = await read(config);
  assert.equal(ids(first.rows), ['4', '5']);
  await pg.client.query(`insert into raw_query values (6, ':id')`);
  assert.equal(ids((await read(config, first.state)).rows), ['6']);
  const { last_record: _none, ...bare } = config;
  assert.is((await fails(bare)).code, 'SQL_LAST_RECORD');
});

test('an open transaction that commits late without lag is missed, with lag it is not', async () => {
  await pg.client.query(`create table concurrent (id int primary key); insert into concurrent values (1)`);
  const slow = new pgDriver.Client({ connectionString: pg.url });
  await slow.connect();
  try {
    await slow.query('begin; insert into concurrent values (2)');
    await pg.client.query('insert into concurrent values (3)');
    const config = { ...pg.connection, table: 'concurrent', incremental: true };
    const lagged = { ...config, lag: 10, primary_key: ['id'] };
    const [plain, safe] = [await read(config), await read(lagged)];
    await slow.query('commit');
    assert.equal((await read(config, plain.state)).rows, []);
    assert.equal((await read(lagged, safe.state)).rows, [['2']]);
  } finally {
    await slow.end();
  }
});

test('errors name the column and say what to do', async () => {
  await pg.client.query(`create table bad (id int, at timestamptz); insert into bad values (null, 'infinity'), (1, now())`);
  const nothing = await fails({ table: 'bad', incremental: true });
  assert.is(nothing.code, 'SQL_INCREMENTAL');
  assert.match(nothing.message, /bad has no primary key/);
  assert.match(nothing.hint ?? '', /updated_at/);
  const nulls = await fails({ table: 'bad', incremental_columns: ['at', 'id'] });
  assert.is(nulls.code, 'SQL_CURSOR_NULL');
  assert.match(nulls.message, /incremental column id is NULL/);
  assert.match(nulls.hint ?? '', /"id" IS NOT NULL/);
  const infinite = await fails({ table: 'bad', incremental_columns: ['at'] });
  assert.is(infinite.code, 'SQL_CURSOR_INFINITE');
  const unknown = await fails({ table: 'bad', incremental_columns: ['up'] });
  assert.is(unknown.code, 'COLUMN_UNKNOWN');
  assert.match(unknown.hint ?? '', /id, at/);
  const other = await fails({ table: 'bad', incremental_columns: ['id'] }, { columns: ['at'], last_record: ['x'] });
  assert.is(other.code, 'SQL_STATE_COLUMNS');
  const lag = await fails({ table: 'bad', incremental_columns: ['at'], lag: 10 });
  assert.is(lag.code, 'SQL_LAG');
  assert.match(lag.hint ?? '', /10m/);
  assert.is((await fails({ table: 'bad', lag: 10 })).code, 'SQL_INCREMENTAL');
  assert.is((await fails({ table: 'bad', incremental_columns: ['id'], last_record: [9007199254740993] })).code, 'SQL_LAST_RECORD');
  await pg.client.query(`create table many (id int primary key); insert into many select * from generate_series(1, 50)`);
  const overlap = await fails({ table: 'many', incremental: true, lag: 30, primary_key: ['id'], max_overlap_rows: 20 });
  assert.is(overlap.code, 'SQL_OVERLAP');
  assert.match(overlap.hint ?? '', /max_overlap_rows/);
});

test.run();
