import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startMariadb } from '../../servers/mariadb.js';
import { startMysql } from '../../servers/mysql.js';
import type { MysqlServer } from '../../servers/mysql-family.js';
import { COLUMNS, MysqlBench } from './bench.js';

for (const start of [startMysql, startMariadb]) {
  let server: MysqlServer;
  const test = suite<{ bench: MysqlBench }>(`output mysql, ${start === startMysql ? 'MySQL' : 'MariaDB'}`);
  test.before(async () => {
    server = await start();
  });
  test.after(() => server.stop());
  test.before.each(async (context) => {
    context.bench = await MysqlBench.open(server);
  });
  test.after.each(({ bench }) => bench.close());

  test('append makes the table, adds rows once, and keeps its cursor in the ledger', async ({ bench }) => {
    bench.config('table: orders\n  mode: append', COLUMNS);
    bench.project.write('data/1.csv', 'id,name,amount\n1,one,1.10\n2,"",2.20\n3,,-3.30\n4,NULL,4\n5,"a\nb""c\\d",5\n');
    const first = await bench.run();
    assert.is(first.code, 0, first.told);
    assert.is(first.summary?.written, 5);
    assert.is((await bench.run()).summary?.status, 'up-to-date');
    bench.project.write('data/2.csv', 'id,name,amount\n6,six,6\n');
    assert.is((await bench.run()).summary?.written, 1);
    assert.equal(await bench.rows('SELECT id, name, amount FROM orders ORDER BY id'), [
      ['1', 'one', '1.10'],
      ['2', '', '2.20'],
      ['3', null, '-3.30'],
      ['4', 'NULL', '4.00'],
      ['5', 'a\nb"c\\d', '5.00'],
      ['6', 'six', '6.00'],
    ]);
    assert.equal(await bench.rows('SELECT count(*), sum(state IS NOT NULL) FROM sluice_ledger'), [['2', '1']]);
  });

  test('a lost answer never doubles rows', async ({ bench }) => {
    bench.config('table: orders\n  mode: append', COLUMNS);
    bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
    for (const point of ['commit.target_committed', 'commit.ledger_written'] as const) {
      const stopped = await bench.run({
        reach: (at) => {
          if (at === point) throw new Error(`stopped at ${point}`);
        },
      });
      assert.is.not(stopped.code, 0);
      const again = await bench.run();
      assert.is(again.code, 0, again.told);
      assert.equal(await bench.rows('SELECT count(*) FROM orders'), [['1']], point);
      await bench.exec('DROP TABLE orders; DROP TABLE sluice_ledger');
      await bench.project.sluice(['state', 'reset', 'load', '--yes']);
    }
  });

  test('truncate keeps the table; replace turns it into what the load is; both ignore the state', async ({ bench }) => {
    await bench.exec(
      'CREATE TABLE orders (id bigint PRIMARY KEY, name text, amount decimal(12,2), extra int DEFAULT 7, KEY (amount)); INSERT INTO orders (id) VALUES (99)',
    );
    bench.config('table: orders\n  mode: truncate', COLUMNS);
    bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
    for (let i = 0; i < 2; i++) {
      const end = await bench.run();
      assert.is(end.summary?.written, 1, end.told);
    }
    assert.equal(await bench.rows('SELECT id, extra FROM orders'), [['1', '7']]);
    bench.config('table: orders\n  mode: replace', '{name: id, type: long}, {name: name, type: string}, {name: amount, type: double}');
    for (let i = 0; i < 2; i++) {
      const end = await bench.run();
      assert.is(end.code, 0, end.told);
      assert.match(end.told, 'at least once');
    }
    const columns = `SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = '${bench.database}' AND table_name = 'orders' ORDER BY ordinal_position`;
    assert.equal(await bench.rows(columns), [
      ['id', 'bigint'],
      ['name', 'longtext'],
      ['amount', 'double'],
    ]);
    assert.equal(await bench.rows('SELECT * FROM orders'), [['1', 'one', '1']]);
    assert.equal(
      await bench.rows(
        `SELECT count(DISTINCT index_name) FROM information_schema.statistics WHERE table_schema = '${bench.database}' AND table_name = 'orders'`,
      ),
      [['2']],
    );
    assert.equal(await bench.rows("SHOW TABLES LIKE 'sluice\\_%'"), [['sluice_ledger']]);
  });

  test('truncate and replace of a new table converge without a ledger, too', async ({ bench }) => {
    bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
    for (const mode of ['truncate', 'replace']) {
      bench.config(`table: new_${mode}\n  mode: ${mode}\n  ledger: none`, COLUMNS);
      const stopped = await bench.run({
        reach: (at) => {
          if (at === 'commit.target_committed') throw new Error('stopped');
        },
      });
      assert.is.not(stopped.code, 0);
      const again = await bench.run();
      assert.is(again.code, 0, again.told);
      assert.equal(await bench.rows(`SELECT id FROM new_${mode}`), [['1']]);
    }
  });

  test('a full refresh of a merge empties the table and merges by the same rules', async ({ bench }) => {
    bench.config('table: orders\n  mode: merge\n  keys: [id]\n  merge_order_by: [amount]', COLUMNS);
    bench.project.write('data/1.csv', 'id,name,amount\n1,a,1\n1,b,2\n');
    assert.is((await bench.run()).code, 0);
    await bench.exec("INSERT INTO orders (id, name) VALUES (99, 'stray')");
    const refreshed = await bench.run({ args: ['--full-refresh'] });
    assert.is(refreshed.code, 0, refreshed.told);
    assert.equal(await bench.rows('SELECT id, name FROM orders'), [['1', 'b']]);
  });

  test('replace takes values for columns that the server numbered or computed, and drops what is computed', async ({ bench }) => {
    await bench.exec(
      'CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, name text, n int, amount int AS (n * 2) VIRTUAL, more int AS (amount * 3) STORED)',
    );
    bench.config('table: orders\n  mode: replace', COLUMNS);
    bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
    const end = await bench.run();
    assert.is(end.code, 0, end.told);
    assert.equal(await bench.rows('SELECT id, name, amount FROM orders'), [['1', 'one', '1.00']]);
    assert.equal(await bench.rows("SHOW COLUMNS FROM orders WHERE Field IN ('n', 'more')"), []);
  });

  test('replace keeps what the indexes of the table need', async ({ bench }) => {
    await bench.exec('CREATE TABLE orders (name varchar(5) PRIMARY KEY, id int NOT NULL, amount varchar(8), KEY of_amount (amount, id))');
    bench.config('table: orders\n  mode: replace', '{name: id, type: long}, {name: name, type: string}, {name: amount, type: string}');
    bench.project.write('data/1.csv', 'id,name,amount\n1,one,1\n');
    const end = await bench.run();
    assert.is(end.code, 0, end.told);
    assert.equal(await bench.rows('SELECT name, id, amount FROM orders'), [['one', '1', '1']]);
    assert.equal(
      await bench
        .rows(
          "SELECT column_type FROM information_schema.columns WHERE table_name = 'orders' AND column_name = 'id' AND table_schema = database() AND is_nullable = 'NO' AND column_type LIKE 'bigint%'",
        )
        .then((rows) => rows.length),
      1,
    );
    bench.project.write('data/1.csv', 'id,name,amount\n1,longer,1\n');
    const refused = await bench.run();
    assert.match(refused.told, 'does not fit varchar(5)');
  });

  test('replace is refused where it would lose a foreign key or a trigger', async ({ bench }) => {
    await bench.exec(
      'CREATE TABLE orders (id bigint PRIMARY KEY); CREATE TABLE positions (id bigint, FOREIGN KEY (id) REFERENCES orders (id)); INSERT INTO orders VALUES (1)',
    );
    bench.config('table: orders\n  mode: replace', '{name: id, type: long}');
    bench.project.write('data/1.csv', 'id\n2\n');
    const end = await bench.run();
    assert.is(end.code, 2, end.told);
    assert.match(end.told, 'TARGET_DEPENDENTS');
    assert.match(end.told, /foreign key \S+ of \S+\.positions/);
    assert.match(end.told, 'truncate');
    bench.config('table: orders\n  mode: truncate', '{name: id, type: long}');
    const kept = await bench.run();
    assert.is(kept.code, 0, kept.told);
    assert.equal(await bench.rows('SELECT id FROM orders'), [['2']]);
  });

  test('merge updates by key, adds the rest, and makes keys that fit an index', async ({ bench }) => {
    const columns = '{name: code, type: string}, {name: part, type: string}, {name: n, type: long}';
    bench.config('table: parts\n  mode: merge\n  keys: [code, part]', columns);
    bench.project.write('data/1.csv', 'code,part,n\nä,YQ==,1\na,YQ==,2\nA,YQ==,3\n');
    const first = await bench.run();
    assert.is(first.code, 0, first.told);
    bench.project.write('data/2.csv', 'code,part,n\nA,YQ==,30\nb,YQ==,4\n');
    const second = await bench.run();
    assert.is(second.code, 0, second.told);
    assert.equal(await bench.rows('SELECT code, n FROM parts ORDER BY n'), [
      ['ä', '1'],
      ['a', '2'],
      ['b', '4'],
      ['A', '30'],
    ]);
  });

  test('merge: NULL keys are rejected, double keys are an error unless an order picks one', async ({ bench }) => {
    const more = 'exec: {max_rejects: 1}';
    bench.config('table: orders\n  mode: merge\n  keys: [id]', COLUMNS, { more });
    bench.project.write('data/1.csv', 'id,name,amount\n1,a,1\n1,b,2\n,none,3\n');
    const outcome = await bench.run();
    assert.is(outcome.code, 3, outcome.told);
    assert.match(outcome.told, 'DUPLICATE_KEYS');
    assert.match(outcome.told, 'merge_order_by');
    bench.config('table: orders\n  mode: merge\n  keys: [id]\n  merge_order_by: [amount]', COLUMNS, { more });
    const second = await bench.run();
    assert.is(second.code, 0, second.told);
    assert.is(second.summary?.rejected, 1);
    assert.equal(await bench.rows('SELECT id, name FROM orders'), [['1', 'b']]);
  });

  test('merge_rule computes from both rows; delete_column takes rows out', async ({ bench }) => {
    await bench.exec('CREATE TABLE orders (id bigint PRIMARY KEY, amount decimal(12,2) NOT NULL); INSERT INTO orders VALUES (1, 5), (3, 9), (4, 9)');
    const out = 'table: orders\n  mode: merge\n  merge_rule: ["amount = T.amount + S.amount"]\n  delete_column: gone';
    bench.config(out, '{name: id, type: long}, {name: amount, type: "decimal(12,2)"}, {name: gone, type: boolean}');
    bench.project.write('data/1.csv', 'id,amount,gone\n1,3,false\n2,4,\n3,,true\n7,1,true\n');
    const end = await bench.run();
    assert.is(end.code, 0, end.told);
    assert.equal(await bench.rows('SELECT * FROM orders ORDER BY id'), [
      ['1', '8.00'],
      ['2', '4.00'],
      ['4', '9.00'],
    ]);
  });

  test('a column that the table lacks is an error, or is added', async ({ bench }) => {
    await bench.exec('CREATE TABLE orders (id bigint) DEFAULT CHARACTER SET latin1');
    bench.project.write('data/1.csv', 'id,name,amount\n1,日本,1\n');
    bench.config('table: orders\n  mode: append', COLUMNS);
    const refused = await bench.run();
    assert.is(refused.code, 2);
    assert.match(refused.told, 'TARGET_COLUMNS_MISSING');
    assert.match(refused.told, 'schema_evolution: add');
    bench.config('table: orders\n  mode: append\n  schema_evolution: add', COLUMNS);
    const added = await bench.run();
    assert.is(added.code, 0, added.told);
    assert.equal(await bench.rows('SELECT * FROM orders'), [['1', '日本', '1.00']]);
  });

  test('before_load and after_load run in the transaction, unless they commit by themselves', async ({ bench }) => {
    await bench.exec('CREATE TABLE orders (id bigint); CREATE TABLE log (what varchar(20))');
    bench.project.write('data/1.csv', 'id\n1\n');
    const out = 'table: orders\n  mode: append\n  before_load: "INSERT INTO log VALUES (\'before\')"';
    bench.config(`${out}\n  after_load: "INSERT INTO log VALUES (NULL + )"`, '{name: id, type: long}');
    assert.is.not((await bench.run()).code, 0);
    assert.equal(await bench.rows('SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM orders)'), [['0', '0']]);
    bench.config(
      'table: orders\n  mode: append\n  before_load: "CREATE TABLE made (x int)"\n  after_load: "ANALYZE TABLE orders"',
      '{name: id, type: long}',
    );
    const end = await bench.run();
    assert.is(end.code, 0, end.told);
    assert.match(end.told, 'before_load commits by itself');
    assert.match(end.told, 'after_load commits by itself');
    assert.equal(await bench.rows('SELECT * FROM orders'), [['1']]);
  });

  test('errors of the login hold no password; a database that is missing is named', async ({ bench }) => {
    bench.project.write('data/1.csv', 'id\n1\n');
    bench.config('table: orders\n  mode: append', '{name: id, type: long}', { user: 'nobody' });
    const outcome = await bench.run();
    assert.is(outcome.code, 4);
    assert.match(outcome.told, 'SQL_LOGIN');
    assert.not.match(outcome.told, server.password);
    bench.config('table: "none_such.orders"\n  mode: append', '{name: id, type: long}');
    const missing = await bench.run();
    assert.is(missing.code, 2, missing.told);
    assert.match(missing.told, 'TARGET_SCHEMA_MISSING');
  });

  test.run();
}
