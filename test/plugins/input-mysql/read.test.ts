import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkInput } from '../../../src/conformance/index.js';
import { SluiceError, type JsonObject } from '../../../src/core/spi/index.js';
import input from '../../../src/plugins/input-mysql/index.js';
import { planOnly, plugin, products, read, startMysqlLab, withLab, type MysqlLab } from './lab.js';

for (const [product, start] of Object.entries(products)) {
  let my: MysqlLab;
  test.before(async () => void (my = await startMysqlLab(start)));
  test.after(() => my.stop());

  const fails = async (config: JsonObject): Promise<SluiceError> => {
    try {
      await read({ ...my.connection, ...config });
    } catch (error) {
      assert.instance(error, SluiceError);
      return error as SluiceError;
    }
    throw new Error('expected an error');
  };
  const numbers = (name: string, count: number): Promise<void> =>
    my.run(`CREATE TABLE ${name} (id INT PRIMARY KEY, v BIGINT NOT NULL) ENGINE=InnoDB;
      INSERT INTO ${name} VALUES ${Array.from({ length: count }, (_, i) => `(${i * 3 - 10}, 0)`).join(', ')}`);

  test(`${product}: keeps the contract of inputs`, async () => {
    await my.run(`CREATE TABLE contract (id INT PRIMARY KEY, name TEXT); INSERT INTO contract VALUES (1, 'a'), (2, NULL), (3, '')`);
    await my.run('CREATE TABLE empty_one (id INT PRIMARY KEY)');
    const rows = [
      ['1', 'a'],
      ['2', null],
      ['3', ''],
    ];
    await checkInput(input, [
      { title: 'a table', config: { ...my.connection, table: 'contract' }, rows },
      { title: 'a query', config: { ...my.connection, query: 'SELECT id, name FROM contract ORDER BY id' }, rows },
      {
        title: 'incremental',
        config: { ...my.connection, table: 'contract', incremental: true },
        rows,
        state: { columns: ['id'], last_record: ['3'] },
      },
      { title: 'an empty table', config: { ...my.connection, table: 'empty_one' }, rows: [] },
      { title: 'an empty table in ranges', config: { ...my.connection, table: 'empty_one', parallel_ranges: 2 }, rows: [] },
      { title: 'no such table', config: { ...my.connection, table: 'contracts' }, error: 'SQL_NO_TABLE' },
      { title: 'nothing chosen', config: { ...my.connection }, error: 'SQL_SELECTION' },
    ]);
  });

  test(`${product}: where, select, order_by, other databases, views, session settings`, async () => {
    await my.run('CREATE DATABASE sales; CREATE TABLE sales.`Order.s` (id INT, v INT); INSERT INTO sales.`Order.s` VALUES (1, 10), (2, 20), (3, 30)');
    const ordered = await read({ ...my.connection, table: 'sales."Order.s"', where: 'id > 1 -- few', order_by: 'id DESC # last first' });
    assert.equal(ordered.rows, [
      ['3', '30'],
      ['2', '20'],
    ]);
    const chosen = await read({ ...my.connection, database: 'sales', table: '"Order.s"', select: 'v, id + 1 AS `next id`', where: 'id = 1' });
    assert.equal([chosen.plan.columns.map(({ name }) => name), chosen.rows], [['v', 'next id'], [['10', '2']]]);
    await my.run('CREATE VIEW seen AS SELECT id FROM sales.`Order.s` WHERE id = 2');
    assert.equal((await read({ ...my.connection, table: 'seen' })).rows, [['2']]);
    const options = { time_zone: '+09:00', useSSL: false };
    const zoned = await read({ ...my.connection, query: 'SELECT @@time_zone AS z', options });
    assert.equal(zoned.rows, [['+09:00']]);
    assert.ok(zoned.plan.notes.includes('options of JDBC have no effect: useSSL'), zoned.plan.notes.join('\n'));
  });

  test(`${product}: before_setup, before_select and after_select run around the read`, async () => {
    await my.run('CREATE TABLE steps (id INT AUTO_INCREMENT PRIMARY KEY, step TEXT)');
    const add = (step: string): string => `INSERT INTO steps (step) VALUES ('${step}')`;
    const hooks = { before_setup: add('setup'), before_select: add('before'), after_select: add('after') };
    const { rows } = await read({ ...my.connection, table: 'steps', ...hooks });
    assert.equal(
      rows.map(([, step]) => step),
      ['setup', 'before'],
    );
    assert.is((await read({ ...my.connection, table: 'steps' })).rows.length, 3);
    // With ranges once each, too, however many sessions read.
    const ranged = await read({ ...my.connection, table: 'steps', ...hooks, parallel_ranges: 3 });
    assert.ok('ranges' in (ranged.plan.tasks[0] ?? {}), ranged.plan.notes.join('\n'));
    const all = (await read({ ...my.connection, query: 'SELECT step FROM steps ORDER BY id' })).rows.flat();
    assert.equal(all.slice(3), ['setup', 'before', 'after']);
  });

  test(`${product}: ranges see one snapshot while rows move between them`, async () => {
    await numbers('moving', 3000);
    await my.run(`CREATE USER IF NOT EXISTS locker IDENTIFIED BY 'x', simple IDENTIFIED BY 'x', reloader IDENTIFIED BY 'x'`);
    await my.run(`GRANT SELECT, LOCK TABLES ON sluice.* TO locker; GRANT SELECT ON sluice.* TO simple, reloader; GRANT RELOAD ON *.* TO reloader`);
    let stop = false;
    const writer = await my.server.connect();
    const writing = (async () => {
      for (let i = 0; !stop; i++) {
        const from = (i % 1000) * 3 - 10;
        await writer.query(`BEGIN; UPDATE moving SET v = v + 1 WHERE id = ${from}; UPDATE moving SET v = v - 1 WHERE id = ${from + 6000}; COMMIT`);
      }
    })();
    try {
      for (const user of ['locker', 'reloader', 'simple', my.server.user]) {
        const password = user === my.server.user ? my.server.password : 'x';
        for (let i = 0; i < 4; i++) {
          const { rows } = await read({ ...my.connection, user, password, table: 'moving', parallel_ranges: 3 });
          assert.equal(
            [user, new Set(rows.map(([id]) => id)).size, rows.length, rows.reduce((sum, [, v]) => sum + Number(v), 0)],
            [user, 3000, 3000, 0],
          );
        }
      }
    } finally {
      stop = true;
      await writing;
      await writer.end();
    }
  });

  test(`${product}: ranges are given up where they make no sense`, async () => {
    await my.run('CREATE TABLE keyless (id INT) ENGINE=InnoDB; CREATE TABLE isam (id INT PRIMARY KEY) ENGINE=MyISAM');
    for (const [config, why] of [
      [{ table: 'keyless' }, 'primary key of one integer column'],
      [{ table: 'isam' }, 'MyISAM has no snapshots'],
      [{ query: 'SELECT 1 AS one' }, 'only a table'],
      [{ table: 'moving', order_by: 'id' }, 'order_by'],
      [{ table: 'moving', max_connections: 2 }, 'max_connections'],
    ] as const) {
      const { plan } = await withLab((lab) => planOnly({ ...my.connection, ...config, parallel_ranges: 4 }, undefined, lab));
      assert.match(plan.notes.join('\n'), why);
      assert.not('ranges' in (plan.tasks[0] ?? {}));
    }
  });

  test(`${product}: tables with wildcards become streams`, async () => {
    await my.run('CREATE TABLE shop_a (id INT); CREATE TABLE shop_b (id INT); CREATE TABLE shop_old (id INT)');
    const config = { ...my.connection, tables: ['shop_*', 'sales.*'], exclude_tables: ['*_old'] };
    const streams = await withLab((lab) => plugin.streams?.(config, { ...lab.context(), place: lab.place }) ?? Promise.resolve(undefined));
    assert.equal(
      streams?.map(({ name, config: own }) => [name, own['table'], own['tables']]),
      [
        ['sales.Order.s', 'sales."Order.s"', undefined],
        ['shop_a', 'sluice.shop_a', undefined],
        ['shop_b', 'sluice.shop_b', undefined],
      ],
    );
    const missing = await withLab(
      (lab) => plugin.streams?.({ ...my.connection, tables: ['shop_x*'] }, { ...lab.context(), place: lab.place }) ?? Promise.resolve(undefined),
    ).catch((error: SluiceError) => error);
    assert.is((missing as SluiceError).code, 'SQL_NO_TABLE');
  });

  test(`${product}: guess, probe and discover`, async () => {
    await my.run(`CREATE TABLE guessed (id INT PRIMARY KEY, active TINYINT(1) NOT NULL, big DECIMAL(60,2), j JSON, updated_at DATETIME NOT NULL)`);
    await withLab(async (lab) => {
      const guessed = await plugin.guess?.({ ...my.connection, table: 'guessed' }, lab.context());
      const notes = [...(guessed?.notes.map(({ text }) => text) ?? []), ...(guessed?.warnings ?? [])].join('\n');
      assert.match(notes, 'primary key id');
      assert.match(notes, 'incremental_columns: [updated_at, id]');
      assert.match(notes, 'column_options: {active: {type: boolean}}');
      assert.match(notes, 'big (decimal(60,2))');
      assert.is(guessed?.timeColumn, 'updated_at');
      assert.match((await plugin.probe?.(my.connection, lab.context())) ?? '', product === 'MySQL' ? /^MySQL 8\./ : /^MariaDB 10\./);
      const table = (await plugin.discover?.(my.connection, lab.context()))?.find(({ name }) => name === 'sluice.guessed');
      assert.equal(
        [table?.kind, table?.primaryKey, table?.columns.map(({ name, type, nullable }) => [name, type, nullable])],
        [
          'table',
          ['id'],
          [
            ['id', 'long', false],
            ['active', 'long', false],
            ['big', 'string', true],
            ['j', 'json', true],
            ['updated_at', 'datetime', false],
          ],
        ],
      );
    });
  });

  test(`${product}: errors are placed and say what to do`, async () => {
    for (const [config, code, path] of [
      [{ table: 'guesed' }, 'SQL_NO_TABLE', 'table'],
      [{ query: 'SELEC 1' }, 'SQL_STATEMENT', 'query'],
      [{ table: 'guessed', where: 'nope = 1' }, 'SQL_STATEMENT', 'where'],
      [{ table: 'guessed', select: 'nope' }, 'SQL_STATEMENT', 'select'],
      [{ table: 'guessed', column_options: { no: { type: 'long' } } }, 'COLUMN_UNKNOWN', 'column_options.no'],
      [{ query: 'SELECT 1 AS a, 2 AS a' }, 'SQL_STATEMENT', 'query'],
    ] as const) {
      const error = await fails(config);
      assert.equal([error.code, error.where.path, error.exitCode], [code, path, 2], error.message);
      assert.ok((error.hint ?? '') !== '');
    }
    assert.match((await fails({ table: 'guesed' })).message, 'did you mean "sluice.guessed"?');
    const login = await fails({ table: 't', password: 'hunter2' });
    assert.equal([login.code, login.retryable], ['SQL_LOGIN', false]);
    assert.not.match(JSON.stringify([login.message, login.hint, String(login.cause)]), /hunter2/);
    assert.is((await fails({ table: 't', database: 'nowhere' })).code, 'SQL_DATABASE');
    assert.equal(await fails({ table: 't', port: 1 }).then(({ code, retryable }) => [code, retryable]), ['SQL_UNREACHABLE', true]);
  });

  test(`${product}: a table that changed after the plan is an error`, async () => {
    await my.run('CREATE TABLE changing (id INT PRIMARY KEY, v INT); INSERT INTO changing VALUES (1, 1)');
    const error = await read({ ...my.connection, table: 'changing' }, undefined, {
      between: () => my.run('ALTER TABLE changing MODIFY v VARCHAR(10)'),
    }).then(
      () => undefined,
      (thrown: SluiceError) => thrown,
    );
    assert.is(error?.code, 'SQL_COLUMNS_CHANGED');
    assert.match(error?.message ?? '', 'v int, found id int, v text');
  });

  test(`${product}: rows_per_second holds, and a preview does not read the whole table`, async () => {
    await my.run(`CREATE TABLE slow (id INT PRIMARY KEY, v VARCHAR(500))`);
    await my.run(`INSERT INTO slow VALUES ${Array.from({ length: 20_000 }, (_, i) => `(${i}, REPEAT('x', 400))`).join(', ')}`);
    await withLab(async (lab) => {
      const { plan, prepared } = await planOnly({ ...my.connection, table: 'slow', rows_per_second: 1000 }, undefined, lab);
      const [task] = plan.tasks;
      assert.ok(task);
      let slept = 0;
      const context = lab.context();
      const clock = { now: () => slept, sleep: (ms: number) => Promise.resolve(void (slept += ms)) };
      const source = await plugin.open(task, plan, prepared, { ...context, clock });
      assert.ok(source.form === 'relation');
      await source.reading.close();
      assert.ok(slept > 19_000 && slept < 21_000, String(slept));

      let bytes = 0;
      const progress = (done: { bytes?: number }): void => void (bytes += done.bytes ?? 0);
      const sample = await plugin.open(task, plan, { ...prepared, rows_per_second: undefined } as unknown as JsonObject, {
        ...context,
        progress,
        sampleBytes: 10_000,
      });
      assert.ok(sample.form === 'relation');
      await sample.reading.close();
      assert.ok(bytes >= 10_000 && bytes < 3_000_000, String(bytes));
    });
  });
}

test.run();
