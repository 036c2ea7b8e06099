import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, type JsonObject, type JsonValue } from '../../../src/core/spi/index.js';
import { products, read, startMysqlLab, type MysqlLab } from './lab.js';

for (const [product, start] of Object.entries(products)) {
  let my: MysqlLab;
  test.before(async () => void (my = await startMysqlLab(start)));
  test.after(() => my.stop());

  const ids = (rows: readonly (readonly (string | null)[])[]): string[] => rows.map((row) => row[0] ?? '').sort();
  const fails = async (config: JsonObject, state?: JsonValue): Promise<ConfigError> => {
    try {
      await read({ ...my.connection, ...config }, state);
    } catch (error) {
      assert.instance(error, ConfigError);
      return error as ConfigError;
    }
    throw new Error('expected an error');
  };

  test(`${product}: one column: rows after the last, up to the greatest at plan`, async () => {
    await my.run(`CREATE TABLE one (id BIGINT UNSIGNED PRIMARY KEY, v TEXT); INSERT INTO one VALUES (1, 'a'), (18446744073709551613, 'b')`);
    const config = { ...my.connection, table: 'one', incremental: true };
    const first = await read(config, undefined, { between: () => my.run(`INSERT INTO one VALUES (18446744073709551615, 'late')`) });
    assert.equal(ids(first.rows), ['1', '18446744073709551613'], 'a row that came after the plan waits');
    assert.equal(first.state, { columns: ['id'], last_record: ['18446744073709551613'] });
    const second = await read(config, first.state);
    assert.equal(ids(second.rows), ['18446744073709551615']);
    assert.equal((await read(config, second.state)).plan.tasks, [], 'nothing new, no task');
  });

  test(`${product}: several columns break ties`, async () => {
    await my.run(`CREATE TABLE ties (at DATETIME(6) NOT NULL, id INT NOT NULL, v TEXT);
      INSERT INTO ties VALUES ('2024-01-01 00:00:00.000001', 1, ''), ('2024-01-01 00:00:00.000001', 2, '')`);
    const config = { ...my.connection, table: 'ties', incremental_columns: ['at', 'id'] };
    const first = await read(config);
    assert.equal(first.state, { columns: ['at', 'id'], last_record: ['2024-01-01 00:00:00.000001', '2'] });
    await my.run(`INSERT INTO ties VALUES ('2024-01-01 00:00:00.000001', 3, 'tie'), ('2023-12-31', 9, 'old')`);
    assert.equal(
      (await read(config, first.state)).rows.map((row) => row[1]),
      ['3'],
    );
  });

  test(`${product}: every kind of cursor comes to an end and goes on from there`, async () => {
    const kinds: readonly (readonly [type: string, values: readonly string[]])[] = [
      ['INT', ['-5', '7', '8']],
      ['DECIMAL(30,10)', ['1.5', '12345678901234567890.0000000001', '12345678901234567890.0000000002']],
      ['FLOAT', ['0.1', '0.2', '0.3']],
      ['DOUBLE', ['0.1', '90.66666666666667', '1e300']],
      ['YEAR', ['2023', '2024', '2025']],
      ['DATE', ["'2024-01-01'", "'2024-01-02'", "'2024-01-03'"]],
      ['DATETIME(3)', ["'2024-01-01 00:00:00.001'", "'2024-01-01 00:00:00.002'", "'2024-01-01 00:00:00.003'"]],
      ['TIMESTAMP(6)', ["'2024-01-01 00:00:00.000001'", "'2024-01-01 00:00:00.000002'", "'2024-01-01 00:00:00.000003'"]],
      ['TIME(1)', ["'-10:00:00'", "'09:00:00.1'", "'100:00:00'"]],
      ['VARCHAR(20)', [`'a'`, `'b\\\\'`, `'c''"'`]],
      ['VARCHAR(20) CHARACTER SET latin1', [`'a'`, `'é'`, `'z'`]],
      ['VARBINARY(20)', [`x'00'`, `x'005c'`, `x'ff27'`]],
      ['BINARY(2)', [`x'0001'`, `x'0100'`, `x'ffff'`]],
    ];
    for (const [i, [type, [one, two, three]]] of kinds.entries()) {
      await my.run(`CREATE TABLE kind_${i} (id INT PRIMARY KEY, c ${type} NOT NULL); INSERT INTO kind_${i} VALUES (1, ${one}), (2, ${two})`);
      const config = { ...my.connection, table: `kind_${i}`, incremental_columns: ['c'] };
      const first = await read(config);
      assert.equal([type, ids(first.rows)], [type, ['1', '2']]);
      assert.equal((await read(config, first.state)).plan.tasks, [], type);
      await my.run(`INSERT INTO kind_${i} VALUES (3, ${three})`);
      const second = await read(config, JSON.parse(JSON.stringify(first.state)) as JsonValue);
      assert.equal([type, ids(second.rows)], [type, ['3']]);
    }
  });

  test(`${product}: lag with a key: late commits come once each, whatever the moment of their commit`, async () => {
    await my.run(`CREATE TABLE late (id VARCHAR(10) PRIMARY KEY, at TIMESTAMP NOT NULL);
      INSERT INTO late VALUES ('a1', '2024-01-01 00:00:00'), ('a2', '2024-01-01 01:00:00')`);
    const config = { ...my.connection, table: 'late', incremental_columns: ['at'], lag: '10m', primary_key: ['id'] };
    const first = await read(config, undefined, { between: () => my.run(`INSERT INTO late VALUES ('a4', '2024-01-01 00:55:00')`) });
    assert.equal(ids(first.rows), ['a1', 'a2'], 'a row that the plan did not list is left to the next run');
    await my.run(`INSERT INTO late VALUES ('a3', '2024-01-01 00:50:00'), ('a5', '2024-01-01 00:49:59'), ('a6', '2024-01-01 01:05:00')`);
    const second = await read(config, first.state);
    assert.equal(ids(second.rows), ['a3', 'a4', 'a6']);
    const third = await read(config, second.state);
    assert.equal(third.rows, []);
    assert.is(third.plan.rereads, undefined);
  });

  test(`${product}: lag of numbers and days; keys that only a collation takes for equal`, async () => {
    await my.run(`CREATE TABLE ci (k VARCHAR(5) COLLATE utf8mb4_general_ci, n FLOAT NOT NULL, d DATE NOT NULL);
      INSERT INTO ci VALUES ('a', 10, '2024-01-10'), ('b', 20, '2024-01-20')`);
    const numbers = { ...my.connection, table: 'ci', incremental_columns: ['n'], lag: 15, primary_key: ['k'] };
    const days = { ...my.connection, table: 'ci', incremental_columns: ['d'], lag: '15d', primary_key: ['k'] };
    const [byNumber, byDay] = [await read(numbers), await read(days)];
    await my.run(`INSERT INTO ci VALUES ('A', 10, '2024-01-10')`);
    assert.equal(ids((await read(numbers, byNumber.state)).rows), ['A']);
    assert.equal(ids((await read(days, byDay.state)).rows), ['A']);
  });

  test(`${product}: a transaction that commits late is missed without lag, with it it is not`, async () => {
    await my.run('CREATE TABLE concurrent (id INT PRIMARY KEY); INSERT INTO concurrent VALUES (1)');
    const slow = await my.server.connect();
    try {
      await slow.query('BEGIN; INSERT INTO concurrent VALUES (2)');
      await my.run('INSERT INTO concurrent VALUES (3)');
      const config = { ...my.connection, table: 'concurrent', incremental: true };
      const lagged = { ...config, lag: 10, primary_key: ['id'] };
      const [plain, safe] = [await read(config), await read(lagged)];
      await slow.query('COMMIT');
      assert.equal((await read(config, plain.state)).rows, []);
      assert.equal((await read(lagged, safe.state)).rows, [['2']]);
    } finally {
      await slow.end();
    }
  });

  test(`${product}: lag without a key reads the window again and says so`, async () => {
    await my.run(`CREATE TABLE again (id INT PRIMARY KEY); INSERT INTO again VALUES (1), (2), (3), (4), (5), (6)`);
    const config = { ...my.connection, table: 'again', incremental_columns: ['id'], lag: 3 };
    const first = await read(config);
    const second = await read(config, first.state);
    assert.equal([ids(second.rows), second.plan.rereads], [['3', '4', '5', '6'], true]);
  });

  test(`${product}: queries, select lists, last_record and Embulk's placeholders`, async () => {
    await my.run(
      `CREATE TABLE q (id INT PRIMARY KEY, f FLOAT, v TEXT); INSERT INTO q VALUES (1, 0.1, ':id'), (2, 0.2, ''), (3, 0.3, ':id'), (4, 0.4, '')`,
    );
    const query = { ...my.connection, query: 'SELECT id + 1 AS next, f FROM q # all\n;', incremental_columns: ['next'] };
    assert.equal(ids((await read(query, { columns: ['next'], last_record: ['3'] })).rows), ['4', '5']);
    const floats = await read({ ...query, incremental_columns: ['f'] });
    assert.equal((await read({ ...query, incremental_columns: ['f'] }, floats.state)).rows, []);
    const table = { ...my.connection, table: 'q', incremental: true, last_record: [2] };
    assert.equal(ids((await read(table)).rows), ['3', '4']);
    assert.equal(ids((await read(table, { in: { last_record: [3] } })).rows), ['4']);
    const raw = {
      ...my.connection,
      query: `SELECT id, v FROM q WHERE id > :id AND v = ':id'`,
      use_raw_query_with_incremental: true,
      incremental_columns: ['id'],
      last_record: [1],
    };
    assert.equal(ids((await read(raw)).rows), ['3']);
  });

  test(`${product}: cursors that cannot work are refused`, async () => {
    await my.run(`CREATE TABLE bad (id INT PRIMARY KEY, e ENUM('b','a'), n INT); INSERT INTO bad VALUES (1, 'a', NULL)`);
    const types = await fails({ table: 'bad', incremental_columns: ['e'] });
    assert.is(types.code, 'SQL_CURSOR_TYPE');
    assert.match(types.message, "e is enum('b','a')");
    const nulls = await fails({ table: 'bad', incremental_columns: ['n'] });
    assert.is(nulls.code, 'SQL_CURSOR_NULL');
    assert.match(nulls.hint ?? '', '`n` IS NOT NULL');
    const missing = await fails({ table: 'bad', incremental_columns: ['no'] });
    assert.equal([missing.code, missing.where.path], ['COLUMN_UNKNOWN', 'incremental_columns']);
    const changed = await fails({ table: 'bad', incremental_columns: ['id'] }, { columns: ['n'], last_record: ['1'] });
    assert.is(changed.code, 'SQL_STATE_COLUMNS');
  });
}

test.run();
