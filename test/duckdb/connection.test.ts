import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { engineErrorKind, openDatabase } from '../../src/core/duckdb/index.js';

test('values arrive exactly: 64-bit integers, decimals, instants, nested values', async () => {
  const db = await openDatabase({ threads: 1 });
  const c = await db.connect();
  const [row] = await c.rows(
    `SELECT 9007199254740993::BIGINT AS b, 1.10::DECIMAL(10,2) AS d, TIMESTAMPTZ '2024-01-01 00:00:00.5+09' AS t, TIMESTAMP '2024-01-01' AS n,
       [1, NULL] AS l, {'x': 1, 'y': 'z'} AS s, MAP {'k': 1} AS m, '\\xAA'::BLOB AS x, DATE '0001-01-01' AS dt, true AS f, NULL AS nul`,
  );
  assert.equal(row, {
    b: 9007199254740993n,
    d: '1.10',
    t: '2023-12-31 15:00:00.5+00',
    n: '2024-01-01 00:00:00',
    l: [1, null],
    s: { x: 1, y: 'z' },
    m: [{ key: 'k', value: 1 }],
    x: new Uint8Array([0xaa]),
    dt: '0001-01-01',
    f: true,
    nul: null,
  });
  c.close();
  db.close();
});

test('chunks stream all rows in order', async () => {
  const db = await openDatabase({ threads: 1 });
  const c = await db.connect();
  let n = 0n;
  for await (const [column] of c.chunks('SELECT range FROM range(10000)')) for (const v of column ?? []) assert.is(v, n++);
  assert.is(n, 10000n);
  c.close();
  db.close();
});

test('functions written in JavaScript see NULL, and their errors become errors of the statement', async () => {
  const db = await openDatabase({ threads: 1 });
  const c = await db.connect();
  c.registerFunction({ name: 'double_it', parameters: ['BIGINT'], returns: 'BIGINT', call: ([v]) => (typeof v === 'bigint' ? v * 2n : null) });
  assert.equal(await c.rows('SELECT double_it(21) AS a, double_it(NULL) AS b'), [{ a: 42n, b: null }]);
  c.registerFunction({
    name: 'fails',
    parameters: ['VARCHAR'],
    returns: 'VARCHAR',
    call: () => {
      throw new Error('no such luck');
    },
  });
  try {
    await c.rows("SELECT fails('x')");
    assert.unreachable('must fail');
  } catch (error) {
    assert.match((error as Error).message, /fails: no such luck/);
  }
  c.close();
  db.close();
});

test('the kind of an engine error is read from its prefix', async () => {
  const db = await openDatabase({ threads: 1 });
  const c = await db.connect();
  const kindOf = async (sql: string): Promise<string> => {
    try {
      await c.run(sql);
      return 'none';
    } catch (error) {
      return engineErrorKind(error);
    }
  };
  assert.is(await kindOf('SELEC 1'), 'parser');
  assert.is(await kindOf('SELECT nope'), 'binder');
  assert.is(await kindOf('SELECT * FROM nope'), 'catalog');
  assert.is(await kindOf("SELECT 'x'::INT"), 'conversion');
  assert.is(await kindOf("SELECT * FROM read_csv('/no/such/file')"), 'io');
  await c.run("SET memory_limit='30MB'");
  assert.is(await kindOf('CREATE TABLE t AS SELECT i, repeat(i::VARCHAR, 100) FROM range(10000000) r(i)'), 'out-of-memory');
  const stopped = kindOf('SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b');
  setTimeout(() => c.interrupt(), 50);
  assert.is(await stopped, 'interrupted');
  c.close();
  db.close();
});

test.run();
