import { existsSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError, type StageReport } from '../../../src/core/spi/index.js';
import { currentSnapshot } from '../../../src/warehouse/table/model.js';
import type { WritePlan, WriteRequest } from '../../../src/warehouse/index.js';
import { liveFiles, load, openFixture, readRows, stage, type Fixture } from './warehouse-fixture.js';

const test = suite<{ f: Fixture }>('merge');
test.before.each(async (context) => {
  context.f = await openFixture();
});
test.after.each((context) => context.f.close());

const schema = [
  { name: 'id', type: 'long' },
  { name: 'name', type: 'string' },
  { name: 'at', type: 'timestamp' },
] as const;
const append = { table: 'shop.t', schema, timeColumn: 'at' } as const;
const merge = { ...append, mode: 'merge', mergeKeys: ['id'] } as const;

/** Rows `from..to` on the day that follows from the id, ten a day. */
function rows(from: number, to: number, name = 'old'): string {
  return `SELECT i AS id, '${name}' AS name, TIMESTAMPTZ '2024-01-01 12:00:00+00' + to_days((i // 10)::INTEGER) AS at, 0 AS st FROM range(${from}, ${to}) r(i)`;
}

async function failure(work: Promise<unknown>): Promise<SluiceError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

async function summary(f: Fixture): Promise<Record<string, string>> {
  const { metadata } = await f.warehouse.catalog.loadTable('shop.t');
  return currentSnapshot(metadata)?.summary ?? {};
}

/** Every data file on disk is of some snapshot: nothing was left behind. */
async function assertNoLeftOvers(f: Fixture, table = 'shop.t'): Promise<void> {
  const { metadata } = await f.warehouse.catalog.loadTable(table);
  const known = new Set<string>();
  for (const snapshot of metadata.snapshots)
    for (const manifest of await f.warehouse.reader.manifests(snapshot))
      for (const { file } of await f.warehouse.reader.entries(manifest)) known.add(file.path);
  const garbage = new Set(await f.metastore.catalog.dueGarbage(Number.MAX_SAFE_INTEGER, 10_000));
  const folder = metadata.location.replace('file://', '');
  const found = readdirSync(`${folder}/data`, { recursive: true })
    .map((name) => `file://${folder}/data/${String(name)}`)
    .filter((name) => name.endsWith('.parquet'));
  assert.equal(
    found.filter((path) => !known.has(path) && !garbage.has(path)),
    [],
  );
  assert.equal(existsSync(`${folder}/data/_staging`) ? readdirSync(`${folder}/data/_staging`) : [], []);
}

test('rows with a key that the table has are replaced, others are added; untouched files stay', async ({ f }) => {
  await load(f, append, rows(0, 100));
  const before = await liveFiles(f, 'shop.t');
  const { commit } = await load(f, merge, `${rows(12, 15, 'new')} UNION ALL ${rows(200, 202, 'new')}`);
  assert.equal(await readRows(f, 'shop.t', "count(*) AS n, count(DISTINCT id) AS ids, count(*) FILTER (name = 'new') AS fresh"), [
    { n: 102n, ids: 102n, fresh: 5n },
  ]);
  assert.equal([commit.facts['rows'], commit.facts['rowsReplaced'], commit.facts['filesRewritten']], [5, 3, 1]);
  const after = new Set((await liveFiles(f, 'shop.t')).map((x) => x.path));
  assert.is(before.filter((x) => after.has(x.path)).length, 9, 'only the touched day was written anew');
  const s = await summary(f);
  assert.equal([s['operation'], s['total-records'], s['deleted-records'], s['added-records']], ['overwrite', '102', '10', '12']);
  assert.is(Number(s['total-data-files']), after.size);
  await assertNoLeftOvers(f);
});

test('a row that moves to another partition leaves its old one', async ({ f }) => {
  await load(f, append, rows(0, 20));
  await load(f, merge, `SELECT 3 AS id, 'moved' AS name, TIMESTAMPTZ '2030-05-05 00:00:00+00' AS at, 0 AS st`);
  assert.equal(await readRows(f, 'shop.t', 'count(*) AS n, count(*) FILTER (id = 3) AS threes'), [{ n: 20n, threes: 1n }]);
});

test('a file whose rows are all replaced goes whole; nothing to replace is an append', async ({ f }) => {
  await load(f, append, rows(0, 10));
  const all = await load(f, merge, rows(0, 10, 'new'));
  assert.is(all.commit.facts['rowsReplaced'], 10);
  assert.is((await liveFiles(f, 'shop.t')).length, 1);
  await load(f, merge, rows(500, 501, 'new'));
  assert.equal([(await summary(f))['operation'], (await summary(f))['total-records']], ['append', '11']);
  const none = await load(f, merge, rows(0, 0));
  assert.is(none.commit.facts['snapshotId'], undefined);
});

test('merge makes a table that does not exist', async ({ f }) => {
  await load(f, merge, rows(0, 5));
  assert.equal(await readRows(f, 'shop.t', 'count(*) AS n'), [{ n: 5n }]);
});

test('two rows of one load with one key end it, with examples; nothing is left behind', async ({ f }) => {
  await load(f, append, rows(0, 10));
  const error = await failure(load(f, merge, `${rows(3, 6, 'a')} UNION ALL ${rows(4, 6, 'b')}`));
  assert.is(error.code, 'DUPLICATE_KEYS');
  assert.is(error.exitCode, 3);
  assert.match(error.message, 'shop.t: 2 keys stand in several rows of this load, such as id = 4; id = 5');
  assert.match(error.hint ?? '', 'merge_order_by');
  assert.equal(await readRows(f, 'shop.t', "count(*) FILTER (name = 'old') AS n"), [{ n: 10n }]);
});

test('merge_order_by takes the last of several; equal ones are an error all the same', async ({ f }) => {
  await load(f, append, rows(0, 10));
  const ordered = { ...merge, mergeOrderBy: [{ column: 'at', descending: false }] };
  const at = (day: string): string => `TIMESTAMPTZ '${day} 00:00:00+00'`;
  const { commit } = await load(
    f,
    ordered,
    `SELECT *, 0 AS st FROM (VALUES (1::BIGINT, 'early', ${at('2024-01-01')}), (1, 'late', ${at('2024-06-01')}), (1, 'none', NULL), (2, 'only', NULL), (77, 'x', ${at('2024-01-01')}), (77, 'y', ${at('2024-01-02')})) v(id, name, "at")`,
  );
  assert.is(commit.facts['rowsSuperseded'], 3);
  assert.equal(await readRows(f, 'shop.t', "string_agg(id || name, ',' ORDER BY id) FILTER (name <> 'old') AS s, count(*) AS n"), [
    { s: '1late,2only,77y', n: 11n },
  ]);
  await assertNoLeftOvers(f);
  const tied = await failure(load(f, ordered, `${rows(3, 4, 'a')} UNION ALL ${rows(3, 4, 'b')}`));
  assert.is(tied.code, 'DUPLICATE_KEYS');
  assert.match(tied.hint ?? '', 'their values of at are equal');
});

test('columns that the load does not have keep their values, new rows get NULL', async ({ f }) => {
  await load(f, append, rows(0, 10));
  const part = [
    { name: 'id', type: 'long' },
    { name: 'extra', type: 'long' },
  ] as const;
  const { plan } = await load(
    f,
    { table: 'shop.t', mode: 'merge', mergeKeys: ['ID'], schema: part },
    'SELECT i AS id, 7 AS extra, 0 AS st FROM range(8, 12) r(i)',
  );
  assert.match(plan.notes.join(), 'no input for name, at: kept where a row has the same key, else NULL');
  assert.equal(
    await readRows(
      f,
      'shop.t',
      'count(*) AS n, count(name) AS names, count(extra) AS extras, count(*) FILTER (name IS NULL AND "at" IS NULL) AS fresh',
    ),
    [{ n: 12n, names: 10n, extras: 4n, fresh: 2n }],
  );
  await assertNoLeftOvers(f);
});

test('NULL in a key: the plan rejects it, and the commit would not take it either', async ({ f }) => {
  const { plan } = await load(f, merge, rows(0, 1));
  assert.equal(plan.refusals, [{ sql: '"id" IS NULL', column: 'id', reason: 'NULL in a key column' }]);
  const error = await failure(load(f, merge, `SELECT NULL::BIGINT AS id, 'x' AS name, NULL::TIMESTAMPTZ AS at, 0 AS st`));
  assert.is(error.code, 'KEY_NULL');
  assert.match(error.message, '1 rows have NULL in the key column id');
});

test('what the keys cannot be is said at plan', async ({ f }) => {
  const plan = (request: Partial<WriteRequest>): Promise<unknown> => f.warehouse.planWrite({ ...merge, ...request });
  const { mergeKeys: _, ...without } = merge;
  const none = await failure(f.warehouse.planWrite(without));
  assert.equal([none.code, none.exitCode], ['MERGE_KEYS', 2]);
  assert.match(none.hint ?? '', 'merge_keys: [id]');
  assert.match((await failure(plan({ mergeKeys: ['nosuch'] }))).message, 'merge_keys: nosuch: there is no such column');
  assert.match((await failure(plan({ mergeKeys: ['id', 'ID'] }))).message, 'names a column twice');
  await load(f, append, rows(0, 1));
  assert.match((await failure(plan({ schema: [{ name: 'name', type: 'string' }] }))).message, 'the input has no such column');
  assert.match((await failure(plan({ mergeOrderBy: [{ column: 'x', descending: false }] }))).message, 'merge_order_by: x');
});

test('merges of the same keys at once, beside appends: each is redone on what the other left', async ({ f }) => {
  await load(f, append, rows(0, 40));
  const houses = [f.warehouse, f.reopen(), f.reopen(), f.reopen()];
  const staged: { plan: WritePlan; staged: StageReport[]; rejects: [] }[] = [];
  for (const [i] of houses.entries()) {
    const plan = await f.warehouse.planWrite(i === 3 ? { ...append, mode: 'append' } : merge);
    staged.push({ plan, staged: [await stage(f, plan, i === 3 ? rows(100, 130) : rows(5 * i, 5 * i + 30, `m${i}`))], rejects: [] });
  }
  const commits = await Promise.all(
    houses.map((house, i) =>
      house.commitWrites(staged[i] as (typeof staged)[number], { runId: `run-${i}`, reach: () => undefined, within: () => Promise.resolve() }),
    ),
  );
  assert.ok(commits.every((c) => !c.alreadyCommitted));
  assert.equal(await readRows(f, 'shop.t', 'count(*) AS n, count(DISTINCT id) AS ids'), [{ n: 70n, ids: 70n }]);
  assert.equal((await summary(f))['total-records'], '70');
  await assertNoLeftOvers(f);
  for (const house of houses) await house.closeSql();
});

test('a commit repeated for the same run changes nothing', async ({ f }) => {
  await load(f, append, rows(0, 10));
  const plan = await f.warehouse.planWrite(merge);
  const write = { plan, staged: [await stage(f, plan, rows(5, 6, 'new'))], rejects: [] };
  const options = { runId: 'once', reach: () => undefined, within: () => Promise.resolve() };
  await f.warehouse.commitWrites(write, options);
  assert.is((await f.warehouse.commitWrites(write, options)).alreadyCommitted, true);
  assert.equal(await readRows(f, 'shop.t', "count(*) AS n, count(*) FILTER (name = 'new') AS fresh"), [{ n: 10n, fresh: 1n }]);
});

test('a commit that fails leaves no file of its own', async ({ f }) => {
  await load(f, append, rows(0, 10));
  const plan = await f.warehouse.planWrite(merge);
  const report = await stage(f, plan, rows(5, 6, 'new'));
  const broken = f.warehouse.commitWrites(
    { plan, staged: [report], rejects: [] },
    { runId: 'broken', reach: () => undefined, within: () => Promise.reject(new Error('no')) },
  );
  await broken.catch((error: Error) => assert.is(error.message, 'no'));
  const garbage = await f.metastore.catalog.dueGarbage(Number.MAX_SAFE_INTEGER, 100);
  assert.equal(garbage, []);
  await f.warehouse.removeStaged((report.staged as { path: string }[]).map((x) => x.path));
  await assertNoLeftOvers(f);
});

test('truncate replaces rows and keeps the schema', async ({ f }) => {
  const first = await load(f, append, rows(0, 30));
  const { plan } = await load(f, { ...append, mode: 'truncate', schema: schema.slice(0, 1) }, 'SELECT 1 AS id, 0 AS st');
  assert.is(plan.tableUuid, first.plan.tableUuid);
  assert.equal(
    plan.fields.map((x) => x.name),
    ['id', 'name', 'at'],
  );
  const s = await summary(f);
  assert.equal([s['operation'], s['total-records'], s['deleted-records']], ['overwrite', '1', '30']);
  const clash = await failure(f.warehouse.planWrite({ ...append, mode: 'truncate', schema: [{ name: 'id', type: 'string' }] }));
  assert.is(clash.code, 'SCHEMA_CLASH');
  await load(f, { ...append, mode: 'truncate' }, rows(0, 0));
  assert.is((await summary(f))['total-records'], '0');
});

test.run();
