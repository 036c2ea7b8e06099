import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keyText } from '../../../src/plugins/output-mysql/ledger.js';
import { ofTable } from '../../../src/plugins/output-mysql/load.js';
import { typeToMake } from '../../../src/plugins/output-mysql/make-column.js';
import { TestProject } from '../../engine/project.js';
import { startMariadb } from '../../servers/mariadb.js';
import { startMysql } from '../../servers/mysql.js';
import type { MysqlServer } from '../../servers/mysql-family.js';
import { MysqlBench } from './bench.js';

const ALTERS = "info LIKE 'ALTER TABLE%' AND state LIKE 'Waiting for table metadata lock%'";

/** Until so many sessions do this. */
async function untilThere(bench: MysqlBench, sessions: number, doing: string): Promise<void> {
  const question = `SELECT 1 FROM information_schema.processlist WHERE db = '${bench.database}' AND ${doing}`;
  for (const end = Date.now() + 15_000; (await bench.rows(question)).length < sessions; await delay(10)) {
    assert.ok(Date.now() < end, `${sessions} sessions: ${doing}`);
  }
}

for (const start of [startMysql, startMariadb]) {
  let server: MysqlServer;
  const test = suite<{ bench: MysqlBench }>(`tables of ${start === startMysql ? 'MySQL' : 'MariaDB'}`);
  test.before(async () => {
    server = await start();
  });
  test.after(() => server.stop());
  test.before.each(async (context) => {
    context.bench = await MysqlBench.open(server);
  });
  test.after.each(({ bench }) => bench.close());

  test('names with capitals, quotes and unicode; hundreds of columns; no rows', async ({ bench }) => {
    const wide = Array.from({ length: 900 }, (_, i) => `C \`${i}" ü`);
    const columns = wide.map((name) => `{name: ${JSON.stringify(name)}, type: long}`).join(', ');
    const header = wide.map((name) => `"${name.replaceAll('"', '""')}"`).join(',');
    const table = 'My.Täble `x';
    bench.config(`table: '"${table}"'\n  mode: append`, columns);
    bench.project.write('data/1.csv', `${header}\n`);
    const none = await bench.run();
    assert.is(none.code, 0, none.told);
    const quoted = `\`${table.replaceAll('`', '``')}\``;
    assert.equal(await bench.rows(`SELECT count(*) FROM ${quoted}`), [['0']]);
    bench.project.write('data/2.csv', `${header}\n${wide.map((_, i) => i).join(',')}\n`);
    const one = await bench.run();
    assert.is(one.code, 0, one.told);
    assert.equal(await bench.rows(`SELECT \`C \`\`899" ü\` FROM ${quoted}`), [['899']]);
  });

  test('column_options: types in the words of the server, texts of times, zones', async ({ bench }) => {
    const options = `{id: {type: INT NOT NULL}, v: {type: VARCHAR(3)}, at: {value_type: string, timestamp_format: "%Y/%m/%d %H:%M:%S.%3N %z", timezone: "+0900"}, moment: {type: timestamp(0)}}`;
    bench.config(
      `table: t\n  mode: append\n  default_timezone: Asia/Tokyo\n  column_options: ${options}`,
      '{name: id, type: long}, {name: v, type: string}, {name: at, type: timestamp}, {name: moment, type: timestamp}, {name: local, type: timestamp}',
      { more: 'exec: {max_rejects: 2}' },
    );
    const at = '2024-01-01T00:00:00';
    bench.project.write('data/1.csv', `id,v,at,moment,local\n1,abc,${at}.5Z,${at}Z,${at}Z\n2,abcd,,,\n99999999999,,,,\n3,,,,\n`);
    const end = await bench.run();
    assert.is(end.code, 0, end.told);
    assert.equal(await bench.rows('SELECT * FROM t ORDER BY id'), [
      ['1', 'abc', '2024/01/01 09:00:00.500 +0900', '2024-01-01 00:00:00', '2024-01-01 09:00:00.000000'],
      ['3', null, null, null, null],
    ]);
  });

  test('an engine without transactions is told; a crash amid replace converges and leaves nothing behind', async ({ bench }) => {
    await bench.exec('CREATE TABLE t (id bigint) ENGINE=MyISAM');
    bench.config('table: t\n  mode: append', '{name: id, type: long}');
    bench.project.write('data/1.csv', 'id\n1\n2\n');
    const end = await bench.run();
    assert.is(end.code, 0, end.told);
    assert.match(end.told, "the table's engine is MyISAM");
    bench.config('table: t\n  mode: replace', '{name: id, type: string}');
    for (const point of ['commit.target_open', 'commit.target_filled', 'commit.ledger_written'] as const) {
      const stopped = await bench.run({
        reach: (reached) => {
          if (reached === point) throw new Error(`stopped at ${point}`);
        },
      });
      assert.is.not(stopped.code, 0);
      assert.equal(await bench.rows('SELECT id FROM t ORDER BY id'), [['1'], ['2']], point);
    }
    const again = await bench.run();
    assert.is(again.code, 0, again.told);
    assert.equal(await bench.rows('SELECT id FROM t ORDER BY id'), [['1'], ['2']]);
    assert.equal(await bench.rows("SHOW TABLES LIKE 'sluice\\_%'"), [['sluice_ledger']]);
  });

  test('columns that another session adds at the same moment are taken as they are', async ({ bench }) => {
    await bench.exec('CREATE TABLE t (id bigint)');
    bench.config('table: t\n  mode: append\n  schema_evolution: add', '{name: id, type: long}, {name: name, type: string}, {name: size, type: long}');
    bench.project.write('data/1.csv', 'id,name,size\n1,one,10\n');
    const other = await server.connect(bench.database);
    try {
      // The other one's ALTER stands first in the queue for the table.
      await bench.exec('START TRANSACTION; SELECT * FROM t');
      const changing = other.query('ALTER TABLE t ADD COLUMN name varchar(100)');
      await untilThere(bench, 1, ALTERS);
      const loading = bench.run();
      await untilThere(bench, 2, ALTERS);
      await bench.exec('COMMIT');
      await changing;
      const end = await loading;
      assert.is(end.code, 0, end.told);
    } finally {
      other.destroy();
    }
    assert.equal(await bench.rows('SELECT id, name, size FROM t'), [['1', 'one', '10']]);
  });

  test('two loads replace a table at the same time: the last one stands', async ({ bench }) => {
    await bench.exec("CREATE TABLE t (id bigint); SELECT GET_LOCK('sluice_gate', 0)");
    const columns = '{name: id, type: long}';
    const other = new TestProject();
    try {
      bench.config('table: t\n  mode: replace', columns);
      other.write('load.yml', readFileSync(join(bench.project.folder, 'load.yml')));
      other.write('data/1.csv', 'id\n5\n6\n');
      bench.config("table: t\n  mode: replace\n  before_load: DO GET_LOCK('sluice_gate', 60)", columns);
      bench.project.write('data/1.csv', 'id\n1\n');
      const loading = bench.run();
      await untilThere(bench, 1, "info LIKE 'DO GET_LOCK%'");
      const between = await other.sluice(['run', 'load.yml', '--json'], { env: { MYSQL_PASSWORD_TEST: server.password } });
      assert.is(between.code, 0, between.stdout + between.stderr);
      assert.equal(await bench.rows('SELECT id FROM t ORDER BY id'), [['5'], ['6']]);
      await bench.exec("DO RELEASE_LOCK('sluice_gate')");
      const end = await loading;
      assert.is(end.code, 0, end.told);
      assert.equal(await bench.rows('SELECT id FROM t ORDER BY id'), [['1']]);
      assert.equal(await bench.rows("SHOW TABLES LIKE 'sluice\\_%'"), [['sluice_ledger']]);
    } finally {
      other.remove();
    }
  });

  test('a user who may not make the ledger gets its DDL, or goes without', async ({ bench }) => {
    await bench.exec(`CREATE TABLE t (id bigint); CREATE USER 'poor_${bench.database}'@'%' IDENTIFIED BY '${server.password}'`);
    await bench.exec(`GRANT SELECT, INSERT ON \`${bench.database}\`.* TO 'poor_${bench.database}'@'%'`);
    bench.project.write('data/1.csv', 'id\n1\n');
    bench.config('table: t\n  mode: append', '{name: id, type: long}', { user: `poor_${bench.database}` });
    const refused = await bench.run();
    assert.is(refused.code, 2, refused.told);
    assert.match(refused.told, 'LEDGER_DENIED');
    assert.match(refused.told, /CREATE TABLE IF NOT EXISTS .*sluice_ledger.*ledger: none/);
    bench.config('table: t\n  mode: append\n  ledger: none', '{name: id, type: long}', { user: `poor_${bench.database}` });
    const without = await bench.run();
    assert.is(without.code, 0, without.told);
    assert.match(without.told, 'may write rows twice');
    assert.equal(await bench.rows('SELECT id FROM t'), [['1']]);
  });

  test.run();
}

const units = suite('names and types of MySQL');

units('long names of the ledger are told apart by a hash, and have room in an index', () => {
  assert.is(keyText('orders', 64), 'orders');
  const [a, b] = ['x'.repeat(300), `${'x'.repeat(299)}y`].map((text) => keyText(text, 190));
  assert.is([...(a ?? '')].length, 190);
  assert.is.not(a, b);
  assert.is.not(keyText('orders ', 64), keyText('orders', 64));
});

units('a key has a length that an index can hold', () => {
  assert.match(typeToMake('string', 1), 'varchar(255)');
  assert.match(typeToMake('string', 4), 'varchar(190)');
  assert.is(typeToMake('decimal(38,38)'), 'varchar(41)');
});

units('the left side of a merge_rule means the table', () => {
  assert.is(ofTable('amount = T.amount + S.amount'), 'T.amount = T.amount + S.amount');
  assert.is(ofTable('`a b`= S.x'), 'T.`a b` = S.x');
  assert.is(ofTable('T.a = S.a'), 'T.a = S.a');
});

units.run();
