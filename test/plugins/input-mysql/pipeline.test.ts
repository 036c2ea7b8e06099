import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from '../../engine/project.js';
import { startCutProxy } from '../../servers/cut-proxy.js';
import { products, startMysqlLab, type MysqlLab } from './lab.js';

let project: TestProject;
test.before.each(() => void (project = new TestProject()));
test.after.each(() => project.remove());

for (const [product, start] of Object.entries(products)) {
  let my: MysqlLab;
  test.before(async () => void (my = await startMysqlLab(start)));
  test.after(() => my.stop());

  const writePipeline = (input: string, output = 'table: shop.orders', port = my.server.port): void => {
    project.write(
      'p.yml',
      `in:
  type: mysql
  host: 127.0.0.1
  port: ${port}
  user: ${my.server.user}
  password: {file: password}
  database: ${my.server.database}
${input.replaceAll(/^/gm, '  ')}
out:
  type: warehouse
${output.replaceAll(/^/gm, '  ')}
exec: {retry: {initial_wait_secs: 0.01}}
`,
    );
    project.write('password', my.server.password);
  };
  const loaded = (): Promise<{ n: number; d: number }[]> => project.query('SELECT count(*) AS n, count(DISTINCT id) AS d FROM shop.orders');

  test(`${product}: every kind of type goes into the warehouse and comes back; new rows follow`, async () => {
    await my.run(`CREATE TABLE orders (id BIGINT PRIMARY KEY, u BIGINT UNSIGNED, total DECIMAL(12,2) NOT NULL, placed_at TIMESTAMP(6) NOT NULL, local DATETIME(3),
      day DATE, f FLOAT, d DOUBLE, yes BIT(1), note TEXT, doc JSON, raw BLOB, t TIME, kind ENUM('a','b'))`);
    await my.run(`INSERT INTO orders VALUES
      (9007199254740993, 18446744073709551615, 10.50, '2024-03-10 10:30:00.500001', '2024-03-31 02:30:00.5', '1000-01-01', 16777217, 90.66666666666667, b'1', 'a,"b"\\n€😀', '{"k":[1]}', x'00ff', '-838:59:59', 'b'),
      (2, 0, -0.01, '1970-01-01 00:00:01', NULL, NULL, NULL, NULL, NULL, '', NULL, '', NULL, NULL)`);
    writePipeline('table: orders\nincremental: true', 'table: shop.orders\ntime_column: placed_at');
    const first = await project.run('p.yml');
    assert.is(first.read, 2);
    const rows =
      await project.query(`SELECT id::varchar AS id, u::varchar AS u, total::varchar AS total, epoch_us(placed_at)::varchar AS us, local::varchar AS local,
      day::varchar AS day, f::varchar AS f, d::varchar AS d, yes, note, doc::varchar AS doc, hex(raw) AS raw, t, kind FROM shop.orders ORDER BY shop.orders.id DESC`);
    assert.equal(rows, [
      {
        ...{
          id: '9007199254740993',
          u: '18446744073709551615',
          total: '10.50',
          us: '1710066600500001',
          local: '2024-03-31 02:30:00.5',
          day: '1000-01-01',
        },
        ...{ f: '16777216.0', d: '90.66666666666667', yes: true, note: 'a,"b"\n€😀', doc: product === 'MySQL' ? '{"k": [1]}' : '{"k":[1]}' },
        ...{ raw: '00FF', t: '-838:59:59', kind: 'b' },
      },
      {
        ...{ id: '2', u: '0', total: '-0.01', us: '1000000', local: null, day: null, f: null, d: null, yes: null, note: '', doc: null },
        ...{ raw: '', t: null, kind: null },
      },
    ]);
    await my.run(`INSERT INTO orders (id, total, placed_at) VALUES (9007199254740995, 1, NOW())`);
    assert.is((await project.run('p.yml')).read, 1);
    assert.equal(await loaded(), [{ n: 3, d: 3 }]);
  });

  test(`${product}: a cut connection: the table is read again, and every row is there once`, async () => {
    await my.run(
      `CREATE TABLE cut (id INT PRIMARY KEY, v TEXT); INSERT INTO cut VALUES ${Array.from({ length: 20_000 }, (_, i) => `(${i}, REPEAT('x', 200))`).join(', ')}`,
    );
    const proxy = await startCutProxy(my.server);
    try {
      // The plan takes connection 1; the first two reads are cut at different places.
      proxy.set((n) =>
        n === 2
          ? { cutAfter: { direction: 'down', bytes: 3_000_000 } }
          : n === 3
            ? { cutAfter: { direction: 'down', bytes: 2000, mode: 'end' } }
            : {},
      );
      writePipeline('table: cut', 'table: shop.orders', proxy.port);
      const summary = await project.run('p.yml');
      assert.is(summary.written, 20_000);
      assert.equal(await loaded(), [{ n: 20_000, d: 20_000 }]);
      assert.is(proxy.connections, 4);
    } finally {
      await proxy.stop();
    }
  });

  test(`${product}: a zero date is a reject with its reason, or a NULL that is counted`, async () => {
    await my.run(`CREATE TABLE dates (id INT PRIMARY KEY, d DATE); INSERT INTO dates VALUES (1, '2024-01-01'), (2, '0000-00-00')`);
    writePipeline('table: dates');
    const refused = await project.sluice(['run', 'p.yml']);
    assert.is(refused.code, 3);
    assert.match(refused.stderr, /not a date/);
    const kept = await project.run('p.yml', '--max-rejects', '1');
    assert.equal([kept.written, kept.rejected], [1, 1]);
    assert.equal(await project.query('SELECT source, column_name, raw FROM shop.orders__rejects'), [
      { source: 'sluice.dates', column_name: 'd', raw: '{"id":"2","d":"0000-00-00"}' },
    ]);
    writePipeline('table: dates\nzero_dates: "null"', 'table: shop.others');
    const nulls = await project.sluice(['run', 'p.yml']);
    assert.is(nulls.code, 0, nulls.stderr);
    assert.match(nulls.stderr, /zero dates were read as NULL/);
    assert.equal(await project.query('SELECT id, d FROM shop.others ORDER BY id'), [
      { id: 1, d: '2024-01-01' },
      { id: 2, d: null },
    ]);
  });

  test(`${product}: many tables are one run with a state for each`, async () => {
    await my.run(
      `CREATE TABLE s_a (id INT PRIMARY KEY); CREATE TABLE s_b (id INT PRIMARY KEY); INSERT INTO s_a VALUES (1), (2); INSERT INTO s_b VALUES (7)`,
    );
    writePipeline('tables: ["s_*"]\nincremental: true', 'table: "shop.${stream_table}"');
    const first = await project.sluice(['run', 'p.yml', '--json']);
    assert.is(first.code, 0, first.stderr);
    await my.run('INSERT INTO s_a VALUES (3)');
    const second = await project.sluice(['run', 'p.yml', '--json']);
    assert.is(second.code, 0, second.stderr);
    assert.equal(
      (JSON.parse(second.stdout) as { pipelines: { read: number }[] }).pipelines.map((p) => p.read),
      [1, 0],
    );
    assert.equal(await project.query('SELECT (SELECT count(*) FROM shop.s_a) AS a, (SELECT count(*) FROM shop.s_b) AS b'), [{ a: 3, b: 1 }]);
  });

  test(`${product}: a preview, a guess and a connection test by the commands`, async () => {
    writePipeline('table: orders');
    const preview = await project.sluice(['preview', 'p.yml']);
    assert.is(preview.code, 0, preview.stderr);
    assert.match(preview.stdout, '9007199254740993');
    const guessed = await project.sluice(['guess', 'p.yml']);
    assert.is(guessed.code, 0, guessed.stderr);
    assert.match(guessed.stdout, 'primary key id');
    const { host, port, user, database } = my.server;
    project.write(
      'sluice.yml',
      `connections:\n  shop: {type: mysql, host: ${host}, port: ${port}, user: ${user}, password: {file: password}, database: ${database}}\n`,
    );
    const tested = await project.sluice(['conns', 'test', 'shop']);
    assert.is(tested.code, 0, tested.stderr);
    assert.match(tested.stdout + tested.stderr, product);
  });
}

test.run();
