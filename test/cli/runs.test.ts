import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { csv, Desk, ORDERS, steady } from './desk.js';

const test = suite<{ desk: Desk }>('runs');
test.before.each((context) => {
  const desk = new Desk();
  context.desk = desk;
  desk.write('sluice.yml', '');
  desk.write('orders.yml', ORDERS);
  desk.write('data/orders_1.csv', csv(1, 2));
});
test.after.each(({ desk }) => desk.remove());

test('runs lists newest first; show tells plan, rows, state and commit', async ({ desk }) => {
  await desk.ok(['run', 'orders.yml']);
  desk.write('data/orders_2.csv', csv('x'));
  assert.is((await desk.sluice(['run', 'orders.yml'])).code, 3);
  const runs = await desk.json(['runs']);
  assert.equal(
    runs.map((run) => run['status']),
    ['failed', 'committed'],
  );
  assert.is((runs[0]?.['error'] as Record<string, unknown>)['code'], 'TOO_MANY_REJECTS');
  assert.equal((await desk.json(['runs', '--status', 'committed'])).length, 1);
  assert.equal(await desk.json(['runs', '--pipeline', 'other']), []);
  const { stdout } = await desk.ok(['runs', 'show', String(runs[1]?.['run_id'])]);
  const shown = steady(stdout, desk.folder);
  for (const line of [
    'pipeline    orders',
    'config      <folder>/orders.yml',
    'status      committed',
    'tasks       1, 1 finished; 24 B to read',
    'files       data/orders_1.csv',
    'rows        2 read, 2 written, 0 filtered, 0 rejected',
    'state       none → 1 file',
  ])
    assert.ok(shown.includes(line), `${line} in\n${shown}`);
  const failed = await desk.ok(['runs', 'show', 'latest']);
  assert.match(failed.stdout, 'error       TOO_MANY_REJECTS: 1 record was rejected');
  assert.match(failed.stdout, 'next        run the config again to continue it');
});

test('a state file that cannot be read, or not be written afterwards, stops the run before it loads', async ({ desk }) => {
  desk.write('broken.yml', 'in: [1,\n');
  const broken = await desk.sluice(['run', 'orders.yml', '-c', 'broken.yml']);
  assert.is(broken.code, 2, broken.stderr);
  assert.match(broken.stderr, 'CONFIG_SYNTAX: broken.yml:2:1: expected a state as YAML');
  for (const file of ['data', 'none/state.yml']) {
    const outcome = await desk.sluice(['run', 'orders.yml', '-c', file]);
    assert.is(outcome.code, 4, outcome.stderr);
    assert.match(outcome.stderr, `FILE_SYSTEM: reading the state file ${file}`);
  }
  assert.equal(await desk.json(['runs']), []);
});

test('a run is found by a unique part of its id; others say which ids there are', async ({ desk }) => {
  await desk.ok(['run', 'orders.yml']);
  const id = await desk.runId();
  assert.match((await desk.ok(['runs', 'show', id.slice(-8)])).stdout, id);
  const { code, stderr } = await desk.sluice(['runs', 'show', `${id.slice(0, -1)}~`]);
  assert.is(code, 2);
  assert.match(stderr, `RUN_UNKNOWN: no run ${id.slice(0, -1)}~, did you mean "${id}"?`);
});

test('rejects of a committed, a failed and a held run', async ({ desk }) => {
  desk.write('data/orders_1.csv', csv(1, 'x', 'y'));
  assert.is((await desk.sluice(['run', 'orders.yml'])).code, 3);
  const reason = 'not a long (a whole number of at most 64 bits)';
  const lines = `source,record_number,byte_offset,column_name,reason,raw
data/orders_1.csv,2,17,id,${reason},"x,1.50"
data/orders_1.csv,3,24,id,${reason},"y,1.50"
`;
  assert.is((await desk.ok(['rejects', 'latest', '--format', 'csv'])).stdout, lines);
  await desk.ok(['run', 'orders.yml', '--max-rejects', '2', '--hold']);
  assert.is((await desk.ok(['rejects', 'latest'])).stdout, lines);
  await desk.ok(['commit', 'latest']);
  assert.is((await desk.ok(['rejects', 'latest'])).stdout, lines);
  const limited = await desk.ok(['rejects', 'latest', '--format', 'jsonl', '--limit', '1']);
  assert.equal(JSON.parse(limited.stdout), {
    source: 'data/orders_1.csv',
    record_number: 2,
    byte_offset: 17,
    column_name: 'id',
    reason,
    raw: 'x,1.50',
  });
  assert.match(limited.stderr, '1 of 2 rejected records; --limit shows more');
  assert.equal(await desk.ids(), [1]);
});

test('one rejected record of a held run goes with it', async ({ desk }) => {
  desk.write('data/orders_1.csv', csv(1, 'x'));
  const { stderr } = await desk.ok(['run', 'orders.yml', '--max-rejects', '1', '--hold']);
  assert.match(stderr, '1 rejected record goes with it;');
});

test('a run without rejects says so', async ({ desk }) => {
  await desk.ok(['run', 'orders.yml']);
  const { stdout, stderr } = await desk.ok(['rejects', 'latest']);
  assert.is(stdout, '');
  assert.match(steady(stderr), 'run <run> rejected nothing');
});

test('a held run is committed although its config is gone, or was changed or broken', async ({ desk }) => {
  const changes = [
    () => rmSync(join(desk.folder, 'orders.yml')),
    () => desk.write('orders.yml', ORDERS.replace('shop.orders', 'shop.other')),
    () => desk.write('orders.yml', 'in: ['),
  ];
  for (const [i, change] of changes.entries()) {
    desk.write(`data/orders_1${i}.csv`, csv(10 + i));
    desk.write('orders.yml', ORDERS);
    await desk.ok(['run', 'orders.yml', '--hold']);
    change();
    const [summary] = await desk.json<{ pipelines: { status: string; target: string }[] }>(['commit', 'latest']);
    assert.equal(
      summary?.pipelines.map((p) => [p.status, p.target]),
      [['committed', 'shop.orders']],
    );
  }
  assert.equal(await desk.ids(), [1, 2, 10, 11, 12]);
});

test('a held run is discarded: nothing remains, and the next run loads the same files', async ({ desk }) => {
  await desk.ok(['run', 'orders.yml', '--hold']);
  const refused = await desk.sluice(['run', 'orders.yml']);
  assert.is(refused.code, 5);
  assert.match(refused.stderr, 'RUN_HELD');
  await desk.ok(['discard', 'latest']);
  assert.equal(readdirSync(join(desk.folder, '.sluice/tmp')), []);
  const again = await desk.sluice(['discard', 'latest']);
  assert.is(again.code, 5);
  assert.match(again.stderr, 'RUN_ENDED');
  await desk.ok(['run', 'orders.yml']);
  assert.equal(await desk.ids(), [1, 2]);
});

test('commit and discard say what a run that is not held needs', async ({ desk }) => {
  await desk.ok(['query', 'CREATE TABLE shop.made AS SELECT 1 AS id']);
  for (const verb of ['commit', 'discard']) {
    const committed = await desk.sluice([verb, 'latest']);
    assert.is(committed.code, 5);
    assert.match(committed.stderr, /RUN_ENDED.*is committed, so there is nothing to commit or discard/s);
    assert.match(committed.stderr, /`sluice undo .*` takes a committed run back/);
  }
  await desk.ok(['undo', 'latest', '--yes']);
  assert.match((await desk.sluice(['commit', 'latest'])).stderr, /is undone, so there is nothing to commit/);
  desk.write('data/orders_2.csv', 'id,amount\nx,y\n');
  assert.is.not((await desk.sluice(['run', 'orders.yml'])).code, 0);
  const failed = await desk.sluice(['commit', 'latest']);
  assert.is(failed.code, 5);
  assert.match(failed.stderr, /RUN_NOT_HELD: .*is failed: only a run that --hold stopped can be committed\nhint: run its pipeline again/);
});

test('on a terminal discard asks before finished tasks go', async ({ desk }) => {
  await desk.ok(['run', 'orders.yml', '--hold']);
  const no = await desk.sluice(['discard', 'latest'], { types: 'n\n' });
  assert.is(no.code, 130);
  assert.match(no.stderr, 'Throw away 1 finished task of orders? [y/N]');
  assert.match(no.stderr, 'DECLINED');
  await desk.ok(['discard', 'latest'], { types: 'y\n' });
});

test('cleanup ends a failed run and removes its files; a held one is refused', async ({ desk }) => {
  desk.write('data/orders_1.csv', csv(1, 'x'));
  assert.is((await desk.sluice(['run', 'orders.yml'])).code, 3);
  const id = await desk.runId();
  assert.ok(existsSync(join(desk.folder, '.sluice/tmp', `run-${id}`)));
  await desk.ok(['cleanup', id]);
  assert.equal(readdirSync(join(desk.folder, '.sluice/tmp')), []);
  assert.is((await desk.json(['runs']))[0]?.['status'], 'discarded');
  await desk.ok(['cleanup', id]);
  await desk.ok(['run', 'orders.yml', '--hold', '--max-rejects', '1']);
  const held = await desk.sluice(['cleanup', 'latest']);
  assert.is(held.code, 5);
  assert.match(held.stderr, 'RUN_HELD');
});

test('a run of which every record is rejected moves on all the same', async ({ desk }) => {
  desk.write('orders.yml', `${ORDERS}exec: {max_rejects: 10}\n`);
  await desk.ok(['run', 'orders.yml']);
  desk.write('data/orders_2.csv', csv('x', 'y'));
  await desk.ok(['run', 'orders.yml']);
  assert.match((await desk.ok(['run', 'orders.yml', '--json'])).stdout, '"status":"up-to-date"');
  assert.is((await desk.ok(['query', 'SELECT count(*) FROM shop.orders__rejects', '--format', 'csv'])).stdout, 'count_star()\n2\n');
  assert.is((await desk.json(['state', 'show', 'orders']))[0]?.['target'], 'shop.orders');
});

test('a replay reads the source again where no text was kept', async ({ desk }) => {
  const masked = (type: string): string =>
    ORDERS.replace('type: long', `type: ${type}`)
      .replace('out:', 'filters:\n  - {type: mask, columns: [{name: amount}]}\nout:')
      .replace('decimal(12,2)', 'string');
  desk.write('orders.yml', `${masked('long')}exec: {max_rejects: 10}\n`);
  desk.write('data/orders_1.csv', 'id,amount\n1,1.50\nx,"2,\n5"\n3,3.50\n');
  desk.write('data/orders_2.csv', csv('y', 5));
  await desk.ok(['run', 'orders.yml']);
  const run = await desk.runId();
  assert.is((await desk.ok(['rejects', run, '--format', 'csv'])).stdout.includes('1.50'), false);
  // Without a change they are rejected again, and their text is still not kept.
  await desk.ok(['rejects', run, '--replay', '--json']);
  assert.equal(await desk.ids(), [1, 3, 5]);
  const { stdout } = await desk.ok(['query', 'SELECT count(*) AS n, count(raw) AS raws FROM shop.orders__rejects', '--format', 'csv']);
  assert.is(stdout, 'n,raws\n4,0\n');
  assert.match((await desk.ok(['rejects', run, '--replay', '--json'])).stdout, '"status":"up-to-date"');
  desk.write('data/orders_2.csv', csv('z', 5, 6));
  const changed = await desk.sluice(['rejects', run, '--replay']);
  assert.is(changed.code, 3);
  assert.match(changed.stderr, 'FILE_MOVED');
});

test('a replay that failed says how to go on with it', async ({ desk }) => {
  desk.write('data/orders_1.csv', csv(1, 'x'));
  await desk.ok(['run', 'orders.yml', '--max-rejects', '1']);
  const run = await desk.runId();
  desk.write('orders.yml', ORDERS);
  assert.is((await desk.sluice(['rejects', run, '--replay'])).code, 3);
  const { code, stderr } = await desk.sluice(['rejects', 'latest', '--replay']);
  assert.is(code, 2);
  assert.match(stderr, 'REPLAY_NOT_COMMITTED');
  assert.match(stderr, `hint: it replayed the rejects of run ${run}: sluice rejects ${run} --replay goes on with it`);
});

test('a replay of hidden records loads what the mended pipeline takes', async ({ desk }) => {
  desk.write('orders.yml', `${ORDERS.replace('out:', 'filters:\n  - {type: remove_columns, remove: [amount]}\nout:')}exec: {max_rejects: 10}\n`);
  desk.write('data/orders_1.csv', 'id,amount\n1,1.50\n2,"many, many"\n3,3.50\n');
  await desk.ok(['run', 'orders.yml']);
  const run = await desk.runId();
  desk.write(
    'orders.yml',
    ORDERS.replace('"decimal(12,2)"', 'string').replace('out:', 'filters:\n  - {type: remove_columns, remove: [amount]}\nout:'),
  );
  await desk.ok(['rejects', run, '--replay']);
  assert.equal(await desk.ids(), [1, 2, 3]);
});

test.run();
