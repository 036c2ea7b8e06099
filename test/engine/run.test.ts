import { gzipSync } from 'node:zlib';
import { renameSync, unlinkSync, utimesSync, appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from './project.js';

const test = suite<{ project: TestProject }>('run');
test.before.each((context) => {
  context.project = new TestProject();
});
test.after.each(({ project }) => project.remove());

const orders = (extra = '', out = ''): string => `
in:
  type: file
  path_prefix: data/orders_
${extra}  parser:
    type: csv
    skip_header_lines: 1
    columns:
      - {name: id, type: long}
      - {name: amount, type: "decimal(12,2)"}
      - {name: ordered_at, type: timestamp, format: "%Y-%m-%d %H:%M:%S", timezone: Asia/Tokyo}
out: {type: warehouse, table: shop.orders, time_column: ordered_at${out}}
`;
const row = (id: number): string => `${id},${id}.50,2026-01-${String((id % 9) + 1).padStart(2, '0')} 10:00:00`;
const csv = (...ids: number[]): string => `id,amount,ordered_at\n${ids.map(row).join('\n')}\n`;
const ids = async (project: TestProject): Promise<number[]> =>
  (await project.query<{ id: number }>('SELECT id FROM shop.orders ORDER BY id')).map((r) => r.id);

test('a load keeps every value: decimals, zones, compressed files; running again loads nothing', async ({ project }) => {
  project.write('data/orders_1.csv', csv(1, 2, 3));
  project.write('data/orders_2.csv.gz', gzipSync(csv(4, 5)));
  project.write('orders.yml', orders());
  const summary = await project.run('orders.yml');
  assert.is(summary.status, 'committed');
  assert.equal([summary.read, summary.written, summary.filtered, summary.rejected], [5, 5, 0, 0]);
  assert.equal(await project.query('SELECT id, amount, ordered_at FROM shop.orders WHERE id IN (1, 5) ORDER BY id'), [
    { id: 1, amount: 1.5, ordered_at: '2026-01-02 01:00:00+00' },
    { id: 5, amount: 5.5, ordered_at: '2026-01-06 01:00:00+00' },
  ]);
  const again = await project.run('orders.yml');
  assert.is(again.status, 'up-to-date');
  assert.equal(await ids(project), [1, 2, 3, 4, 5]);
});

test('new files are loaded, also with names that sort before the last one', async ({ project }) => {
  project.write('data/orders_5.csv', csv(5));
  project.write('orders.yml', orders());
  await project.run('orders.yml');
  project.write('data/orders_1.csv', csv(1));
  project.write('data/orders_9.csv', csv(9));
  const summary = await project.run('orders.yml');
  assert.is(summary.read, 2);
  assert.equal(await ids(project), [1, 5, 9]);
});

test('the same content under a new time stamp is not loaded again; other content is an error with a hint', async ({ project }) => {
  const path = project.write('data/orders_1.csv', csv(1, 2));
  project.write('orders.yml', orders());
  await project.run('orders.yml');
  utimesSync(path, new Date(), new Date(Date.now() + 60_000));
  assert.is((await project.run('orders.yml')).status, 'up-to-date');
  project.write('data/orders_1.csv', csv(1, 3));
  const { code, stderr } = await project.sluice(['run', 'orders.yml']);
  assert.is(code, 3);
  assert.match(stderr, /FILE_CHANGED: data\/orders_1\.csv: was loaded before with other content/);
  assert.match(stderr, /hint: .*on_changed.*--full-refresh/);
  assert.equal(await ids(project), [1, 2]);
});

test('on_changed: tail loads what was appended, up to the last complete record', async ({ project }) => {
  const path = project.write('data/orders_1.csv', csv(1, 2));
  project.write('orders.yml', orders('  on_changed: tail\n'));
  await project.run('orders.yml');
  appendFileSync(path, `${row(3)}\n${row(4)}\n5,5.`);
  assert.is((await project.run('orders.yml')).read, 2);
  appendFileSync(path, `50,2026-01-01 10:00:00\n`);
  assert.is((await project.run('orders.yml')).read, 1);
  assert.is((await project.run('orders.yml')).status, 'up-to-date');
  assert.equal(await ids(project), [1, 2, 3, 4, 5]);
});

test('on_changed: tail knows what ends a record of each format', async ({ project }) => {
  const follow = async (
    name: string,
    parser: string,
    parts: readonly (readonly [string | Buffer, number])[],
    first = 'id,note\n',
  ): Promise<readonly unknown[]> => {
    const path = project.write(`${name}.data`, first);
    project.write(
      `${name}.yml`,
      `in:\n  type: file\n  paths: [${name}.data]\n  on_changed: tail\n  parser: ${parser}\nout: {type: warehouse, table: shop.${name}}\n`,
    );
    for (const [part, read] of parts) {
      appendFileSync(path, part);
      assert.is((await project.run(`${name}.yml`)).read, read, `${name} ${String(part)}`);
    }
    return (await project.query(`SELECT note FROM shop.${name} ORDER BY id`)).map((row) => (row as { note: string }).note);
  };
  const columns = 'columns: [{name: id, type: long}, {name: note, type: string}]';
  const csv = `{type: csv, skip_header_lines: 1, ${columns}}`;
  const quoted = [
    ['1,a\n2,"b\n', 1],
    ['c"\n3,"d\ne', 1],
    ['"\n', 1],
    ['4,f\r\n\n5,g', 1],
    ['\n', 1],
  ] as const;
  assert.equal(await follow('csv_tail', csv, quoted), ['a', 'b\nc', 'd\ne', 'f', 'g']);
  // A header that is not complete yet is no data, and a newline is not always one of LF.
  assert.equal(
    await follow(
      'header',
      csv,
      [
        ['ote', 0],
        ['\r1,a\r2,b', 1],
        ['\r3', 1],
      ],
      'id,n',
    ),
    ['a', 'b'],
  );
  const json = [
    ['{"id": 1,\n "note": "a"}\n{"id": 2,\n', 1],
    ['"note": "b"}\n{"id": 3, "note": "c"}', 1],
    ['\n', 1],
    ['{"id": 4, "note": "d"} ', 0],
  ] as const;
  assert.equal(await follow('json_tail', `{type: json, ${columns}}`, json, ''), ['a', 'b', 'c']);
  const ltsv = [
    ['id:1\tnote:a\r\nid:2\tno', 1],
    ['te:b\r', 0],
    ['\n', 1],
  ] as const;
  assert.equal(await follow('ltsv_tail', `{type: ltsv, line_delimiter_recognized: CRLF, ${columns}}`, ltsv, ''), ['a', 'b']);
  const packed = (id: number, note: string): Buffer => Buffer.concat([Buffer.from([0x92, id, 0xa0 + note.length]), Buffer.from(note)]);
  const values = [
    [Buffer.concat([packed(10, 'a'), packed(11, 'bc').subarray(0, 2)]), 1],
    [packed(11, 'bc').subarray(2), 1],
  ] as const;
  assert.equal(await follow('packed', `{type: msgpack, row_encoding: array, ${columns}}`, values, ''), ['a', 'bc']);
  await assertRefused(project, 'wide', `{type: csv, charset: utf-16le, ${columns}}`, 'parser csv');
  await assertRefused(project, 'parquet', '{type: parquet}', 'parser parquet');
});

async function assertRefused(project: TestProject, name: string, parser: string, which: string): Promise<void> {
  project.write('refused.data', 'x');
  project.write(
    'refused.yml',
    `in: {type: file, paths: [refused.data], on_changed: tail, parser: ${parser}}\nout: {type: warehouse, table: shop.${name}}\n`,
  );
  const { code, stderr } = await project.sluice(['run', 'refused.yml']);
  assert.is(code, 2);
  assert.match(
    stderr,
    `TAIL_NEEDS_PLAIN: refused.yml:1:53 in.on_changed: refused.data: on_changed: tail cannot follow a file that the ${which} reads with these options`,
  );
  assert.match(stderr, 'hint: use on_changed: error or skip');
}

test('rejects over the limit commit nothing and are shown; within it they are kept beside the table', async ({ project }) => {
  project.write('data/orders_1.csv', `id,amount,ordered_at\n${row(1)}\nx,1.00,2026-01-01 00:00:00\n3,1.005,2026-01-01 00:00:00\n4,4.00\n${row(5)}\n`);
  project.write('orders.yml', orders());
  const refused = await project.sluice(['run', 'orders.yml']);
  assert.is(refused.code, 3);
  assert.match(refused.stderr, /TOO_MANY_REJECTS: 3 records were rejected, more than exec\.max_rejects \(0\)/);
  assert.match(refused.stderr, /data\/orders_1\.csv record 2: id: not a long/);
  const summary = await project.run('orders.yml', '--max-rejects', '3');
  assert.equal([summary.read, summary.written, summary.rejected], [5, 2, 3]);
  assert.equal(await project.query('SELECT record_number, column_name, raw FROM shop.orders__rejects ORDER BY record_number'), [
    { record_number: 2, column_name: 'id', raw: 'x,1.00,2026-01-01 00:00:00' },
    { record_number: 3, column_name: 'amount', raw: '3,1.005,2026-01-01 00:00:00' },
    { record_number: 4, column_name: 'ordered_at', raw: '4,4.00' },
  ]);
});

test('rejects are replayed once through the mended config; what is bad still is kept again', async ({ project }) => {
  project.write('data/orders_1.csv', `id,amount,ordered_at\n${row(1)}\n2,2.00,2026-02-01\n3,three,2026-01-01 00:00:00\n`);
  project.write('orders.yml', orders());
  const summary = await project.run('orders.yml', '--max-rejects', '2');
  assert.is(summary.rejected, 2);
  project.write('orders.yml', `${orders().replace(', format: "%Y-%m-%d %H:%M:%S"', '')}exec: {max_rejects: 1}\n`);
  const replayed = await project.sluice(['rejects', summary.run_id as string, '--replay', '--json']);
  assert.is(replayed.code, 0, replayed.stderr);
  assert.equal(await ids(project), [1, 2]);
  const again = await project.sluice(['rejects', summary.run_id as string, '--replay', '--json']);
  assert.match(again.stdout, /"status":"up-to-date"/);
  assert.equal(await ids(project), [1, 2]);
  assert.equal(await project.query('SELECT count(*) AS n FROM shop.orders__rejects'), [{ n: 3 }]);
  assert.is((await project.run('orders.yml')).status, 'up-to-date');
});

test('replace puts new rows and schema in the place of the old ones; reading nothing is refused', async ({ project }) => {
  project.write('data/orders_1.csv', csv(1, 2));
  project.write('orders.yml', orders('', ', mode: replace'));
  await project.run('orders.yml');
  project.write('data/orders_1.csv', csv(7));
  await project.run('orders.yml');
  assert.equal(await ids(project), [7]);
  unlinkSync(join(project.folder, 'data/orders_1.csv'));
  project.write('data/orders_0.csv', '');
  unlinkSync(join(project.folder, 'data/orders_0.csv'));
  const { code, stderr } = await project.sluice(['run', 'orders.yml']);
  assert.is(code, 2, stderr);
  assert.equal(await ids(project), [7]);
});

test('--full-refresh replaces the table and stores the new state', async ({ project }) => {
  project.write('data/orders_1.csv', csv(1, 2));
  project.write('orders.yml', orders());
  await project.run('orders.yml');
  project.write('data/orders_1.csv', csv(1, 2, 3));
  const summary = await project.run('orders.yml', '--full-refresh');
  assert.is(summary.written, 3);
  assert.equal(await ids(project), [1, 2, 3]);
  assert.is((await project.run('orders.yml')).status, 'up-to-date');
});

test('--dry-run plans and changes nothing', async ({ project }) => {
  project.write('data/orders_1.csv', csv(1));
  project.write('orders.yml', orders());
  const summary = await project.run('orders.yml', '--dry-run');
  assert.is(summary.status, 'planned');
  assert.equal(await project.query("SELECT count(*) AS n FROM information_schema.tables WHERE table_schema = 'shop'"), [{ n: 0 }]);
});

test('--hold stops before the commit; commit makes the rows visible, discard removes them', async ({ project }) => {
  project.write('data/orders_1.csv', csv(1, 2));
  project.write('orders.yml', orders());
  const held = await project.run('orders.yml', '--hold');
  assert.is(held.status, 'held');
  const blocked = await project.sluice(['run', 'orders.yml']);
  assert.is(blocked.code, 5);
  assert.match(blocked.stderr, /RUN_HELD/);
  assert.is((await project.sluice(['commit', held.run_id as string])).code, 0);
  assert.equal(await ids(project), [1, 2]);
  project.write('data/orders_2.csv', csv(3));
  const second = await project.run('orders.yml', '--hold');
  assert.is((await project.sluice(['discard', second.run_id as string])).code, 0);
  assert.equal(await ids(project), [1, 2]);
  assert.is((await project.run('orders.yml')).written, 1);
});

test('a run that failed is continued from its finished tasks under the same id', async ({ project }) => {
  project.write('data/orders_1.csv', csv(1, 2));
  project.write('data/orders_2.csv.gz', gzipSync(csv(3)));
  project.write('orders.yml', orders());
  let reports = 0;
  const failed = await project.sluice(['run', 'orders.yml'], {
    reach: (point) => {
      if (point === 'task.report_stored' && ++reports === 2) throw new Error('power cut');
    },
  });
  assert.is(failed.code, 70);
  assert.equal(await project.query("SELECT count(*) AS n FROM information_schema.tables WHERE table_schema = 'shop'"), [{ n: 0 }]);
  project.write('data/orders_3.csv', csv(4));
  const outcome = await project.sluice(['run', 'orders.yml']);
  assert.is(outcome.code, 0, outcome.stderr);
  assert.match(outcome.stderr, /continuing run/);
  assert.not.match(outcome.stderr, '0 tasks,');
  assert.equal(await ids(project), [1, 2, 3, 4]);
});

test('a changed file ends the stored plan; --resume says so and refuses', async ({ project }) => {
  project.write('data/orders_1.csv', csv(1, 2));
  project.write('orders.yml', orders());
  const boom = {
    reach: (point: string): void => {
      if (point === 'run.tasks_done') throw new Error('stop');
    },
  };
  await project.sluice(['run', 'orders.yml'], boom);
  project.write('data/orders_1.csv', csv(1, 2, 3));
  const refused = await project.sluice(['run', 'orders.yml', '--resume']);
  assert.is(refused.code, 5);
  assert.match(refused.stderr, /RESUME_MISMATCH: .*data\/orders_1\.csv changed/);
  const outcome = await project.sluice(['run', 'orders.yml']);
  assert.is(outcome.code, 0, outcome.stderr);
  assert.match(outcome.stderr, /is not continued \(data\/orders_1\.csv changed\)/);
  assert.equal(await ids(project), [1, 2, 3]);
});

test('a pipeline renamed while its data is in the table is refused, and state move mends it', async ({ project }) => {
  project.write('data/orders_1.csv', csv(1));
  project.write('orders.yml', orders());
  await project.run('orders.yml');
  renameSync(join(project.folder, 'orders.yml'), join(project.folder, 'sales.yml'));
  const refused = await project.sluice(['run', 'sales.yml']);
  assert.is(refused.code, 5);
  assert.match(refused.stderr, /hint: if it was renamed: sluice state move orders sales/);
  assert.is((await project.sluice(['state', 'move', 'orders', 'sales'])).code, 0);
  assert.is((await project.run('sales.yml')).status, 'up-to-date');
});

test('header-only and empty files are loaded once, with no rows', async ({ project }) => {
  project.write('data/orders_1.csv', 'id,amount,ordered_at\n');
  project.write('data/orders_2.csv', '');
  project.write('orders.yml', orders());
  const summary = await project.run('orders.yml');
  assert.equal([summary.status, summary.read, summary.written], ['committed', 0, 0]);
  assert.is((await project.run('orders.yml')).status, 'up-to-date');
});

test('hive folders become columns, also as partition of the table', async ({ project }) => {
  project.write('data/orders_x/country=jp/a.csv', csv(1));
  project.write('data/orders_x/country=br%20asil/a.csv', csv(2));
  project.write('orders.yml', orders('', ', partition_by: [country]'));
  await project.run('orders.yml');
  assert.equal(await project.query('SELECT id, country FROM shop.orders ORDER BY id'), [
    { id: 1, country: 'jp' },
    { id: 2, country: 'br asil' },
  ]);
});

test('filters: rows dropped are counted, whole-run filters see all tasks', async ({ project }) => {
  project.write('data/orders_1.csv', csv(1, 2, 3));
  project.write('data/orders_2.csv.gz', gzipSync(csv(3, 4)));
  project.write(
    'orders.yml',
    orders().replace(
      'out:',
      `filters:
  - {type: where, condition: "id <> 2"}
  - {type: sql, query: "SELECT id, sum(amount)::DECIMAL(12,2) AS amount, max(ordered_at) AS ordered_at FROM input GROUP BY id"}
  - {type: where, condition: "id < 4"}
out:`,
    ),
  );
  const summary = await project.run('orders.yml');
  assert.equal([summary.read, summary.added, summary.written, summary.filtered, summary.rejected], [5, 0, 2, 3, 0]);
  assert.equal(await project.query('SELECT id, amount FROM shop.orders ORDER BY id'), [
    { id: 1, amount: 1.5 },
    { id: 3, amount: 7 },
  ]);
});

test('schema evolution: columns are added, types widen, a clash names both sides', async ({ project }) => {
  project.write('data/orders_1.csv', csv(1));
  project.write('orders.yml', orders());
  await project.run('orders.yml');
  const wider = orders()
    .replace('decimal(12,2)', 'decimal(20,2)')
    .replace('orders_', 'more_')
    .replace('      - {name: ordered_at', '      - {name: note, type: string}\n      - {name: ordered_at');
  project.write('more.yml', wider);
  project.write('data/more_1.csv', 'id,amount,note,ordered_at\n2,123456789012345678.25,hi,2026-01-01 00:00:00\n');
  const summary = await project.run('more.yml');
  assert.is(summary.schema_changes.length, 2);
  assert.equal(await project.query('SELECT id, amount::VARCHAR AS amount, note FROM shop.orders ORDER BY id'), [
    { id: 1, amount: '1.50', note: null },
    { id: 2, amount: '123456789012345678.25', note: 'hi' },
  ]);
  project.write(
    'clash.yml',
    orders()
      .replace('orders_', 'more_')
      .replace('{name: id, type: long}', '{name: id, type: string}')
      .replace('      - {name: ordered_at', '      - {name: note, type: string}\n      - {name: ordered_at'),
  );
  const clash = await project.sluice(['run', 'clash.yml']);
  assert.is(clash.code, 2);
  assert.match(clash.stderr, /clash\.yml:\d+:\d+ .*id.*(long.*string|string.*long)/s);
});

test('Ctrl-C stops cleanly and says how to go on', async ({ project }) => {
  project.write('data/orders_1.csv', csv(1));
  project.write('orders.yml', orders());
  let interrupt: (signal: string) => void = () => {};
  const stopped = await project.sluice(['run', 'orders.yml'], {
    onInterrupt: (handler) => (interrupt = handler),
    reach: (point) => {
      if (point === 'task.started') interrupt('SIGINT');
    },
  });
  assert.is(stopped.code, 130);
  assert.match(stopped.stderr, /hint: run the same command again/);
  assert.is((await project.run('orders.yml')).written, 1);
});

test.run();
