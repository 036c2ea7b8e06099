import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConflictError, DataError } from '../../../src/core/spi/index.js';
import { liveFiles, load, openFixture, readRows, stage, type Fixture } from './warehouse-fixture.js';

const test = suite<{ f: Fixture }>('commit');
test.before.each(async (context) => {
  context.f = await openFixture();
});
test.after.each((context) => context.f.close());

const schema = [
  { name: 'id', type: 'long' },
  { name: 'at', type: 'timestamp' },
] as const;
const request = { table: 'shop.orders', schema, timeColumn: 'at' } as const;
const rows = (from: number, to: number, status = '0'): string =>
  `SELECT i AS id, TIMESTAMPTZ '2024-01-01' + to_hours(i::INTEGER) AS at, ${status} AS st FROM range(${from}, ${to}) t(i)`;
const noop = { reach: () => undefined, within: () => Promise.resolve() };

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string; hint: string | undefined }> {
  try {
    await work;
  } catch (error) {
    return error as never;
  }
  return assert.unreachable('expected an error') as never;
}

test('append adds rows in hidden day partitions, read-only, below the table’s own folder', async ({ f }) => {
  const first = await load(f, request, rows(0, 48));
  await load(f, request, rows(48, 60));
  assert.is(first.report.rows, 48);
  const files = await liveFiles(f, 'shop.orders');
  assert.equal(files.map((x) => [x.rows, x.partition.get(1000)]).sort(), [
    [12, 19725],
    [24, 19723],
    [24, 19724],
  ]);
  for (const { path } of files) {
    assert.ok(path.startsWith(`${first.plan.location}/data/at_day=2024-01-0`), path);
    assert.is(statSync(path.replace('file://', '')).mode & 0o777, 0o444);
  }
  assert.equal(await readRows(f, 'shop.orders', 'count(*) AS n, sum(id) AS s'), [{ n: 60n, s: 1770n }]);
  assert.not.ok(existsSync(`${first.plan.location.replace('file://', '')}/data/_staging/x`));
  assert.equal(readdirSync(`${first.plan.location.replace('file://', '')}/data/_staging`), []);
});

test('rows of another status are counted, not written, one file each at most', async ({ f }) => {
  const { report } = await load(f, request, rows(0, 100, 'CASE WHEN i % 10 = 3 THEN 1 WHEN i % 10 = 4 THEN 7 ELSE 0 END'));
  assert.equal([report.rows, report.statuses], [80, { '1': 10, '7': 10 }]);
  assert.equal(await readRows(f, 'shop.orders', 'count(*) AS n, count(*) FILTER (id % 10 IN (3, 4)) AS bad'), [{ n: 80n, bad: 0n }]);
});

test('replace swaps rows and schema under the same UUID; the old snapshot stays', async ({ f }) => {
  const old = await load(f, request, rows(0, 24));
  const { plan } = await load(
    f,
    {
      table: 'shop.orders',
      mode: 'replace',
      schema: [
        { name: 'id', type: 'string' },
        { name: 'n', type: 'double' },
      ],
    },
    `SELECT 'a' AS id, 1.5 AS n, 0 AS st`,
  );
  assert.is(plan.tableUuid, old.plan.tableUuid);
  assert.equal(
    plan.fields.map((x) => [x.id, x.name]),
    [
      [3, 'id'],
      [4, 'n'],
    ],
  );
  assert.equal(plan.partition, []);
  const { metadata } = await f.warehouse.catalog.loadTable('shop.orders');
  assert.is(metadata.snapshots.length, 2);
  const last = metadata.snapshots[1]?.summary;
  assert.equal([last?.operation, last?.['deleted-records'], last?.['total-records'], last?.['total-data-files']], ['overwrite', '24', '1', '1']);
  assert.equal(await readRows(f, 'shop.orders', 'id, n'), [{ id: 'a', n: 1.5 }]);
  assert.equal(metadata.schemas.length, 2);
});

test('replace without partition_by keeps the partition where its column survives', async ({ f }) => {
  await load(f, { table: 'shop.orders', schema, partitionBy: ['hour(at)'] }, rows(0, 3));
  const { plan } = await load(f, { table: 'shop.orders', schema, mode: 'replace' }, rows(0, 3));
  assert.equal(
    plan.partition.map((p) => p.transform),
    ['hour'],
  );
});

test('evolution: old files read NULL for new columns, missing columns are NULL', async ({ f }) => {
  await load(f, request, rows(0, 2));
  await load(
    f,
    {
      table: 'shop.orders',
      schema: [
        { name: 'id', type: 'long' },
        { name: 'note', type: 'string' },
      ],
    },
    `SELECT 9::BIGINT AS id, 'x' AS note, 0 AS st`,
  );
  assert.equal(await readRows(f, 'shop.orders', 'count(*) AS n, count(note) AS notes, count("at") AS ats'), [{ n: 3n, notes: 1n, ats: 2n }]);
  assert.equal((await liveFiles(f, 'shop.orders')).map((x) => x.partition.get(1000)).sort(), [19723, null]);
});

test('the state’s work is in the same transaction: when it throws nothing is visible and no file is left', async ({ f }) => {
  await load(f, request, rows(0, 1));
  const before = await f.warehouse.catalog.loadTable('shop.orders');
  const error = await failure(
    load(f, request, rows(1, 2), { within: () => Promise.reject(new ConflictError({ code: 'LEASE_LOST', message: 'gone' })) }),
  );
  assert.is(error.code, 'LEASE_LOST');
  const after = await f.warehouse.catalog.loadTable('shop.orders');
  assert.is(after.metadataLocation, before.metadataLocation);
  const names = readdirSync(`${before.metadata.location.replace('file://', '')}/metadata`);
  assert.is(names.length, 3, 'metadata, manifest list and manifest of the first commit only');
});

test('the commit announces its points in order', async ({ f }) => {
  await load(f, request, rows(0, 1));
  assert.equal(f.points, [
    'task.copied',
    'task.files_moved',
    'commit.manifest_written',
    'commit.manifest_list_written',
    'commit.metadata_written',
    'commit.transaction_open',
    'commit.pointer_swapped',
  ]);
});

test('a run that committed before is found and not committed again', async ({ f }) => {
  const first = await load(f, request, rows(0, 5), { runId: 'r1' });
  let calls = 0;
  const again = await f.warehouse.commitWrites(
    { plan: first.plan, staged: [first.report], rejects: [] },
    { ...noop, runId: 'r1', within: () => Promise.resolve(void calls++) },
  );
  assert.equal([again.alreadyCommitted, again.facts['snapshotId'], calls], [true, first.commit.facts['snapshotId'], 0]);
  assert.equal(await readRows(f, 'shop.orders', 'count(*) AS n'), [{ n: 5n }]);
});

test('commits that lose the swap build on the winner: none is lost, ids and totals fit', async ({ f }) => {
  await load(f, request, rows(0, 1));
  const others = Array.from({ length: 6 }, () => f.reopen());
  await Promise.all(
    others.map(async (warehouse, w) => {
      for (let k = 0; k < 5; k++) {
        const plan = await warehouse.planWrite({ mode: 'append', ...request });
        const report = await stage(f, plan, rows(1 + w * 5 + k, 2 + w * 5 + k), w);
        await warehouse.commitWrites({ plan, staged: [report], rejects: [] }, { ...noop, runId: `w${w}-${k}` });
      }
    }),
  );
  assert.equal(await readRows(f, 'shop.orders', 'count(*) AS n, count(DISTINCT id) AS d'), [{ n: 31n, d: 31n }]);
  const { metadata } = await f.warehouse.catalog.loadTable('shop.orders');
  assert.is(metadata.snapshots.length, 31);
  assert.is(metadata.snapshots.at(-1)?.summary['total-records'], '31');
  assert.ok(metadata.snapshots.every((s, i) => s['sequence-number'] === i + 1));
  assert.ok(metadata.snapshots.every((s, i) => i === 0 || s['timestamp-ms'] > (metadata.snapshots[i - 1]?.['timestamp-ms'] ?? 0)));
});

test('two first loads of one table at once: both rows are there', async ({ f }) => {
  const [a, b] = [f.warehouse, f.reopen()];
  const plans = [await a.planWrite({ mode: 'append', ...request }), await b.planWrite({ mode: 'append', ...request })] as const;
  assert.is.not(plans[0].tableUuid, plans[1].tableUuid);
  for (const [i, plan] of plans.entries()) {
    const report = await stage(f, plan, rows(i, i + 1));
    const { facts } = await f.warehouse.commitWrites({ plan, staged: [report], rejects: [] }, { ...noop, runId: `n${i}` });
    assert.is(facts['tableUuid'], plans[0].tableUuid);
  }
  assert.equal(await readRows(f, 'shop.orders', 'count(*) AS n'), [{ n: 2n }]);
});

test('a plan that the table has outgrown is a conflict, not a wrong file', async ({ f }) => {
  await load(f, request, rows(0, 1));
  const stale = await f.warehouse.planWrite({ mode: 'append', table: 'shop.orders', schema: [...schema, { name: 'a', type: 'long' }] });
  const report = await stage(f, stale, `SELECT 1::BIGINT AS id, TIMESTAMPTZ '2024-01-01' AS at, 5::BIGINT AS a, 0 AS st`);
  await load(
    f,
    { table: 'shop.orders', schema: [...schema, { name: 'b', type: 'string' }] },
    `SELECT 1::BIGINT AS id, TIMESTAMPTZ '2024-01-01' AS at, 'x' AS b, 0 AS st`,
  );
  const error = await failure(f.warehouse.commitWrites({ plan: stale, staged: [report], rejects: [] }, { ...noop, runId: 'stale' }));
  assert.is(error.code, 'TABLE_CHANGED');
  assert.match(error.hint ?? '', 'run it again');
});

test('a table that was dropped or renamed since the plan is not made a second time over the same files', async ({ f }) => {
  for (const mode of ['append', 'merge'] as const) {
    const table = `shop.${mode}`;
    const { plan: first } = await load(f, { ...request, table }, rows(0, 3));
    const plan = await f.warehouse.planWrite({ ...request, table, mode, ...(mode === 'merge' ? { mergeKeys: ['id'] } : {}) });
    const report = await stage(f, plan, rows(3, 5));
    const commit = (): Promise<unknown> => f.warehouse.commitWrites({ plan, staged: [report], rejects: [] }, { runId: `late-${mode}`, ...noop });
    await f.warehouse.catalog.renameTable(table, 'shop.renamed');
    const renamed = await failure(commit());
    assert.equal([renamed.code, renamed.hint], ['TABLE_CHANGED', 'run it again; the new plan takes the change in']);
    assert.is(renamed.message, `${table}: the table changed between plan and commit: it was dropped or renamed`);
    await f.warehouse.catalog.dropTable('shop.renamed');
    assert.is((await failure(commit())).code, 'TABLE_CHANGED');
    await f.warehouse.catalog.undropTable('shop.renamed');
    await f.warehouse.catalog.renameTable('shop.renamed', table);
    await commit();
    assert.is((await f.warehouse.catalog.loadTable(table)).metadata['table-uuid'], first.tableUuid);
    assert.equal(await readRows(f, table, 'count(*) AS n'), [{ n: 5n }]);
  }
});

test('rejects commit with their rows, in a table of their own', async ({ f }) => {
  const plan = await f.warehouse.planWrite({ mode: 'append', ...request });
  const report = await stage(f, plan, rows(0, 3));
  const path = `${f.dir}/rejects.ndjson`;
  writeFileSync(
    path,
    `${JSON.stringify({ run_id: 'r9', source: 'a.csv', record_number: 9007199254740993n.toString(), byte_offset: 12, column_name: null, reason: 'not a number', raw: '1.10,"x"\u0000é' })}\n`,
  );
  const rejects = await f.warehouse.stageRejects(
    plan,
    { path, rows: 1 },
    { runId: 'r9', task: 0, sql: f.sql, record: () => Promise.resolve(), reach: () => undefined },
  );
  await f.warehouse.commitWrites({ plan, staged: [report], rejects: [rejects] }, { ...noop, runId: 'r9' });
  assert.equal(await readRows(f, 'shop.orders__rejects', 'run_id, source, record_number, byte_offset, column_name, reason, raw, rejected_at'), [
    {
      run_id: 'r9',
      source: 'a.csv',
      record_number: 9007199254740993n,
      byte_offset: 12n,
      column_name: null,
      reason: 'not a number',
      raw: '1.10,"x"\u0000é',
      rejected_at: '2026-01-01 00:00:00+00',
    },
  ]);
});

test('more than 5,000 partitions stop the load before the commit', async ({ f }) => {
  const plan = await f.warehouse.planWrite({ mode: 'append', table: 'shop.many', schema: [{ name: 'id', type: 'long' }], partitionBy: ['id'] });
  const report = await stage(f, plan, 'SELECT i AS id, 0 AS st FROM range(10) t(i)');
  const staged = Array.from({ length: 501 }, (_, k) => ({
    ...report,
    staged: (report.staged as readonly { partition: object }[]).map((x, i) => ({
      ...x,
      partition: { '1000': Buffer.from(`${k}-${i}`).toString('base64') },
    })) as never,
  }));
  const error = await failure(f.warehouse.commitWrites({ plan, staged, rejects: [] }, { ...noop, runId: 'many' }));
  assert.instance(error, DataError);
  assert.is(error.code, 'TOO_MANY_PARTITIONS');
  assert.match(error.hint ?? '', 'month(column)');
});

test('an append without rows leaves an existing table alone, and makes a new one', async ({ f }) => {
  await load(f, request, rows(0, 0));
  const made = await f.warehouse.catalog.loadTable('shop.orders');
  assert.is(made.metadata['current-snapshot-id'], -1n);
  await load(f, request, rows(0, 0));
  assert.is((await f.warehouse.catalog.loadTable('shop.orders')).metadataLocation, made.metadataLocation);
});

test.run();
