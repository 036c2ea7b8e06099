import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { load, openFixture, type Fixture } from '../warehouse/write/warehouse-fixture.js';
import { runPythonJson } from '../servers/python.js';

const test = suite<{ f: Fixture }>('PyIceberg and merges');
test.before.each(async (context) => {
  context.f = await openFixture();
});
test.after.each((context) => context.f.close());

const PRELUDE = `
import sys, json
from pyiceberg.catalog.sql import SqlCatalog
import pyarrow as pa
d = sys.argv[1]
catalog = SqlCatalog('lake', uri='sqlite:///' + d + '/meta.db', warehouse='file://' + d + '/wh')
def out(x): print(json.dumps(x, default=str))
`;
const python = <T>(f: Fixture, code: string): Promise<T> => runPythonJson<T>(PRELUDE + code, [f.dir]);

const schema = [
  { name: 'id', type: 'long' },
  { name: 'at', type: 'timestamp' },
  { name: 'note', type: 'string' },
] as const;
const request = { table: 'web.t', schema, timeColumn: 'at', mergeKeys: ['id'] } as const;
const rows = (from: number, to: number, note: string): string =>
  `SELECT i AS id, TIMESTAMPTZ '2024-01-01' + to_days((i // 5)::INTEGER) AS at, '${note}' AS note, 0 AS st FROM range(${from}, ${to}) r(i)`;

test('a merged table and a replaced range read the same there, with totals and time travel', async ({ f }) => {
  await load(f, request, rows(0, 20, 'old'));
  await load(f, { ...request, mode: 'merge' }, `${rows(3, 7, 'new')} UNION ALL ${rows(50, 52, 'new')}`);
  await load(f, { ...request, mode: 'replace_where', replaceWhere: `"at" >= '2024-01-03' and "at" < '2024-01-04'` }, rows(12, 13, 'range'));
  const found = await python<{ rows: [number, string][]; before: number; pruned: number; summary: Record<string, string> }>(
    f,
    `
t = catalog.load_table('web.t')
a = t.scan().to_arrow().sort_by('id')
s = t.current_snapshot().summary
out({'rows': list(zip(a['id'].to_pylist(), a['note'].to_pylist())), 'before': t.scan(snapshot_id=t.snapshots()[0].snapshot_id).to_arrow().num_rows,
  'pruned': t.scan(row_filter="at >= '2024-01-03T00:00:00+00:00' and at < '2024-01-04T00:00:00+00:00'").to_arrow().num_rows,
  'summary': {'operation': s.operation.value, 'records': s['total-records'], 'files': s['total-data-files'], 'listed': str(len(t.inspect.files()))}})`,
  );
  const expected = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 18, 19, 50, 51].map((id) => [
    id,
    id === 12 ? 'range' : (id >= 3 && id < 7) || id >= 50 ? 'new' : 'old',
  ]);
  assert.equal(found.rows, expected);
  assert.equal([found.before, found.pruned], [20, 1]);
  assert.equal([found.summary['operation'], found.summary['records']], ['overwrite', '18']);
  assert.is(found.summary['files'], found.summary['listed']);
});

test('a table that PyIceberg made, nested columns and another partitioning added: merges keep every other value', async ({ f }) => {
  await python(
    f,
    `
from pyiceberg.transforms import BucketTransform
catalog.create_namespace_if_not_exists('py')
s = pa.schema([('id', pa.int32()), ('tags', pa.list_(pa.string())), ('st', pa.struct([('x', pa.int64()), ('y', pa.string())])), ('mp', pa.map_(pa.string(), pa.float64()))])
t = catalog.create_table('py.m', schema=s)
rows = lambda ids: pa.table({'id': ids, 'tags': [['a', None, str(i)] for i in ids], 'st': [{'x': i, 'y': 'q'} for i in ids], 'mp': [[('k', 1.5)] for i in ids]}, schema=s)
t.append(rows([1, 2, 3]))
with t.update_spec() as u:
  u.add_field('id', BucketTransform(4))
t.append(rows([4, 5, 6]))
out(1)`,
  );
  const merge = { table: 'py.m', schema: [{ name: 'id', type: 'long' }], mode: 'merge', mergeKeys: ['id'] } as const;
  await load(f, merge, 'SELECT i AS id, 0 AS st FROM (VALUES (2::BIGINT), (5), (9)) v(i)');
  const found = await python<{ id: number; tags: unknown; st: { x: number } | null; mp: unknown }[]>(
    f,
    `out(catalog.load_table('py.m').scan().to_arrow().sort_by('id').to_pylist())`,
  );
  assert.equal(
    found.map((r) => r.id),
    [1, 2, 3, 4, 5, 6, 9],
  );
  for (const r of found.slice(0, 6)) assert.equal([r.tags, r.st, r.mp], [['a', null, String(r.id)], { x: r.id, y: 'q' }, [['k', 1.5]]]);
  assert.equal([found[6]?.tags, found[6]?.st, found[6]?.mp], [null, null, null]);
});

test.run();
