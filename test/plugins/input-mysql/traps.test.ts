import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../../src/core/spi/index.js';
import { readResultColumn } from '../../../src/plugins/shared/mysql/result-columns.js';
import { openMysql, type MysqlSession } from '../../../src/plugins/shared/mysql/session.js';
import { resolveConnection } from '../../../src/plugins/shared/sql/connection.js';
import { products, read, startMysqlLab, type MysqlLab } from './lab.js';

/** Lengths at the edges of the protocol's length encoding and of its packets of 16 MB. */
const LENGTHS = [0, 1, 250, 251, 252, 65_535, 65_536, 16_777_211, 16_777_212, 20_000_000];

for (const [product, start] of Object.entries(products)) {
  let my: MysqlLab;
  const sessions: MysqlSession[] = [];

  const openSession = async (options: Record<string, string | number> = {}): Promise<MysqlSession> => {
    const settings = resolveConnection({ ...my.connection, options }, { port: 3306 }, { at: (path) => ({ path }) });
    const session = await openMysql(settings, { root: '/', signal: new AbortController().signal });
    sessions.push(session);
    return session;
  };
  /** Everything that a SELECT gives, as CSV. */
  const csvOf = async (session: MysqlSession, sql: string, lane: 'packets' | 'public'): Promise<string> => {
    const stream = session.stream(sql, 'reading', {
      lane,
      zeroDatesAsNull: false,
      encodingsOf: (columns) => columns.map((column) => readResultColumn(column).encoding),
    });
    const parts: Uint8Array[] = [];
    for await (const { bytes } of stream.chunks()) parts.push(bytes);
    return Buffer.concat(parts).toString();
  };

  test.before(async () => {
    my = await startMysqlLab(() => start({ settings: { 'net-write-timeout': '1', 'max-allowed-packet': '64M' } }));
  });
  test.after(async () => {
    for (const session of sessions) session.destroy();
    await my.stop();
  });

  test(`${product}: FLOAT has 6 digits as text, all of them here, also in select lists and queries`, async () => {
    await my.run(`CREATE TABLE floats (id INT PRIMARY KEY, f FLOAT, g FLOAT(10,3))`);
    const values = Array.from({ length: 2000 }, (_, i) => Math.fround(Math.sin(i) * 10 ** ((i % 70) - 35)));
    await my.run(`INSERT INTO floats VALUES ${values.map((value, i) => `(${i}, ${value}, 1234.567)`).join(', ')}`);
    const [shown] = await my.client.query('SELECT f FROM floats WHERE id = 7');
    assert.is.not(Number((shown as { f: string }[])[0]?.f), values[7], 'the trap is there');
    for (const config of [{ table: 'floats' }, { table: 'floats', select: 'id, f' }, { query: 'SELECT id, f FROM floats' }]) {
      const { rows } = await read({ ...my.connection, ...config });
      assert.equal(
        rows.map(([, f]) => Number(f)),
        values,
      );
    }
  });

  test(`${product}: doubles are the ones that were stored, where the driver's own are not`, async () => {
    const values = Array.from({ length: 5000 }, (_, i) => (Math.abs(Math.sin(i + 1)) * 1000) / ((i % 97) + 3));
    await my.run('CREATE TABLE doubles (id INT PRIMARY KEY, d DOUBLE)');
    await my.run(`INSERT INTO doubles VALUES ${values.map((value, i) => `(${i}, ${value})`).join(', ')}`);
    const parsed = await (await openSession()).client.promise().query({ sql: 'SELECT d FROM doubles ORDER BY id', rowsAsArray: true });
    const wrong = (parsed[0] as unknown as number[][]).filter(([d], i) => d !== values[i]).length;
    assert.ok(wrong > 0, 'the trap is there');
    const { rows } = await read({ ...my.connection, table: 'doubles', order_by: 'id' });
    assert.equal(
      rows.map(([, d]) => Number(d)),
      values,
    );
  });

  test(`${product}: JSON is text, whatever its character set says`, async () => {
    await my.run(`CREATE TABLE docs (id INT PRIMARY KEY, j JSON); INSERT INTO docs VALUES (1, '["é€😀"]'), (2, '"a,\\\\"b"')`);
    for (const config of [{ table: 'docs' }, { table: 'docs', select: '*, id + 1 AS next' }, { query: 'SELECT j FROM docs ORDER BY id' }]) {
      const { plan, rows } = await read({ ...my.connection, ...config });
      const at = plan.columns.findIndex(({ name }) => name === 'j');
      assert.equal([plan.columns[at]?.type, ...rows.map((row) => row[at])], ['json', '["é€😀"]', String.raw`"a,\"b"`]);
    }
  });

  test(`${product}: values of every length, and both lanes give the same bytes`, async () => {
    const session = await openSession();
    await my.run(`CREATE TABLE lengths (id INT PRIMARY KEY, t LONGTEXT, b LONGBLOB)`);
    for (const [i, length] of LENGTHS.entries())
      await my.run(`INSERT INTO lengths VALUES (${i}, REPEAT('é', ${length} / 2), REPEAT('\\n', LEAST(${length}, 400)))`);
    const { rows } = await read({ ...my.connection, query: 'SELECT id, t FROM lengths' });
    assert.equal(
      rows.map(([, t]) => t?.length),
      LENGTHS.map((length) => Math.round(length / 2)),
    );
    const sql = `SELECT id, IF(id = 3, NULL, SUBSTR(t, 1, 70000)), SUBSTR(b, 1, 300), NULL, '' FROM lengths`;
    assert.ok((await csvOf(session, sql, 'packets')) === (await csvOf(session, sql, 'public')));
  });

  test(`${product}: tables of one column keep NULL, the empty text and newlines apart`, async () => {
    await my.run(`CREATE TABLE lone (v VARCHAR(10)); CREATE TABLE lone_number (n INT)`);
    const values = [null, '', '\n', null, '"', ',', '\r\n', null];
    await my.run(
      `INSERT INTO lone VALUES ${values.map((value) => (value === null ? '(NULL)' : `(_utf8mb4 x'${Buffer.from(value).toString('hex')}')`)).join(', ')}`,
    );
    await my.run('INSERT INTO lone_number VALUES (NULL), (1), (NULL)');
    assert.equal(
      (await read({ ...my.connection, table: 'lone' })).rows.map(([v]) => v),
      values,
    );
    assert.equal((await read({ ...my.connection, table: 'lone_number' })).rows, [[null], ['1'], [null]]);
    assert.equal((await read({ ...my.connection, table: 'lone', where: "v = 'none'" })).rows, []);
  });

  test(`${product}: a reader that falls behind is waited for; where the server gives up the error says so`, async () => {
    await my.run(`CREATE TABLE wide (v LONGTEXT); INSERT INTO wide VALUES (REPEAT('x', 1000000))`);
    for (let i = 0; i < 5; i++) await my.run('INSERT INTO wide SELECT v FROM wide');
    /** Reads one chunk, then nothing until the server says what `until` asks, then the rest. */
    const readLate = async (session: MysqlSession, until: (row: Record<string, string> | undefined) => boolean): Promise<number> => {
      const stream = session.stream('SELECT v FROM wide', 'reading wide', { zeroDatesAsNull: false, encodingsOf: () => ['text'] });
      let rows = 0;
      for await (const chunk of stream.chunks()) {
        if (rows === 0) {
          for (let tries = 0; ; tries++) {
            const [list] = await my.client.query(`SELECT time AS seconds FROM information_schema.processlist WHERE id = ${session.threadId}`);
            if (until((list as Record<string, string>[])[0])) break;
            assert.ok(tries < 400, 'the server never got there');
            await delay(50);
          }
        }
        rows += chunk.rows;
      }
      return rows;
    };
    const error = await readLate(await openSession({ net_write_timeout: 1 }), (row) => row === undefined).then(
      () => undefined,
      (thrown: SluiceError) => thrown,
    );
    assert.equal([error?.code, error?.retryable], ['SQL_UNREACHABLE', true]);
    assert.match(error?.hint ?? '', 'net_write_timeout');
    assert.is(await readLate(await openSession(), (row) => Number(row?.['seconds']) >= 3), 32);
  });

  test(`${product}: names and texts of the config cannot leave their place in the SQL`, async () => {
    await my.run(
      "CREATE TABLE `odd ``name\"` (`a ``b` INT PRIMARY KEY, `it's` VARCHAR(20)); INSERT INTO `odd ``name\"` VALUES (1, 'x'), (2, '\\\\'' OR 1=1 -- ')",
    );
    for (const mode of ['ANSI_QUOTES', 'NO_BACKSLASH_ESCAPES', '']) {
      const config = { ...my.connection, options: { sql_mode: mode }, table: '`odd ``name"`', incremental_columns: ["it's"] };
      const first = await read(config);
      assert.equal(first.rows.length, 2);
      assert.equal((await read(config, first.state)).rows, []);
    }
  });
}

test.run();
