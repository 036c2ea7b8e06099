import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { currentSchema, currentSnapshot, type Snapshot } from '../../src/warehouse/table/model.js';
import { decodeValue } from '../../src/warehouse/table/single-value.js';
import { liveFiles, load, openFixture, readRows, type Fixture } from '../warehouse/write/warehouse-fixture.js';
import { runPythonJson } from '../servers/python.js';

const test = suite<{ f: Fixture }>('PyIceberg');
test.before.each(async (context) => {
  context.f = await openFixture();
});
test.after.each((context) => context.f.close());

const PRELUDE = `
import sys, json, datetime, decimal
from pyiceberg.catalog.sql import SqlCatalog
import pyarrow as pa
d = sys.argv[1]
catalog = SqlCatalog('lake', uri='sqlite:///' + d + '/meta.db', warehouse='file://' + d + '/wh')
def out(x): print(json.dumps(x, default=str))
`;
const python = <T>(f: Fixture, code: string): Promise<T> => runPythonJson<T>(PRELUDE + code, [f.dir]);

const TYPES = [
  ['b', 'boolean'],
  ['l', 'long'],
  ['d', 'double'],
  ['m9', 'decimal(9,2)'],
  ['m38', 'decimal(38,10)'],
  ['s', 'string'],
  ['dt', 'date'],
  ['tz', 'timestamp'],
  ['ts', 'datetime'],
  ['j', 'json'],
  ['bin', 'binary'],
] as const;
const schema = TYPES.map(([name, type]) => ({ name, type }));
const ROWS = `SELECT *, 0 AS st FROM (VALUES
  (true, 9223372036854775807, 'inf'::DOUBLE, 1234567.89::DECIMAL(9,2), '1234567890123456789012345678.0123456789'::DECIMAL(38,10), 'snowman ☃ 𝄞 long text beyond sixteen', DATE '1582-10-14', TIMESTAMPTZ '1969-12-31 23:59:59.999999+00', TIMESTAMP '1500-01-01 00:00:00', '{"a": [1, 2]}', '\\x00\\xFF'::BLOB),
  (false, -9223372036854775808, 'NaN'::DOUBLE, -0.01::DECIMAL(9,2), -0.0000000001::DECIMAL(38,10), '', DATE '9999-12-31', TIMESTAMPTZ '9999-12-31 23:59:59.999999+00', TIMESTAMP '1969-12-31 23:59:59.999999', '[]', ''::BLOB),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (true, 0, -0.0::DOUBLE, 0::DECIMAL(9,2), 0::DECIMAL(38,10), 'a', DATE '2024-02-29', TIMESTAMPTZ '2024-01-01 00:00:00.123456+00', TIMESTAMP '2024-01-01 00:00:00.123456', 'null', 'a'::BLOB)
) t(b, l, d, m9, m38, s, dt, tz, ts, j, bin)`;

test('reads every type with its values, bounds and snapshots', async ({ f }) => {
  await load(f, { table: 'web.types', schema }, ROWS);
  await load(f, { table: 'web.types', schema }, ROWS);
  const found = await python<{
    types: string[];
    rows: Record<string, unknown>[];
    snapshots: number;
    travel: number;
    file: { lower: unknown[]; upper: unknown[]; nulls: number[] };
  }>(
    f,
    `
t = catalog.load_table('web.types')
rows = t.scan().to_arrow().to_pylist()
s = t.snapshots()
fs = t.inspect.files().to_pylist()
m = fs[0]['readable_metrics']
names = [x.name for x in t.schema().fields]
out({'types': [str(x.field_type) for x in t.schema().fields], 'rows': [{k: (v.hex() if isinstance(v, bytes) else str(v)) for k, v in r.items()} for r in rows],
  'snapshots': len(s), 'travel': t.scan(snapshot_id=s[0].snapshot_id).to_arrow().num_rows,
  'file': {'lower': [str(m[n]['lower_bound']) for n in names], 'upper': [str(m[n]['upper_bound']) for n in names], 'nulls': [m[n]['null_value_count'] for n in names]}})
`,
  );
  assert.equal(found.types, [
    'boolean',
    'long',
    'double',
    'decimal(9, 2)',
    'decimal(38, 10)',
    'string',
    'date',
    'timestamptz',
    'timestamp',
    'string',
    'binary',
  ]);
  assert.equal([found.rows.length, found.snapshots, found.travel], [8, 2, 4]);
  assert.equal(found.rows[0], {
    b: 'True',
    l: '9223372036854775807',
    d: 'inf',
    m9: '1234567.89',
    m38: '1234567890123456789012345678.0123456789',
    s: 'snowman ☃ 𝄞 long text beyond sixteen',
    dt: '1582-10-14',
    tz: '1969-12-31 23:59:59.999999+00:00',
    ts: '1500-01-01 00:00:00',
    j: '{"a": [1, 2]}',
    bin: '00ff',
  });
  assert.is(found.rows[1]?.['d'], 'nan');
  assert.ok(Object.values(found.rows[2] ?? {}).every((v) => v === 'None'));
  assert.equal(
    found.file.nulls,
    Array.from({ length: 11 }, () => 1),
  );
  assert.equal(found.file.lower.slice(0, 10), [
    'False',
    '-9223372036854775808',
    '-0.0',
    '-0.01',
    '-1E-10',
    '',
    '1582-10-14',
    '1969-12-31 23:59:59.999999+00:00',
    '1500-01-01 00:00:00',
    '[]',
  ]);
  assert.equal(found.file.upper.slice(0, 5), ['True', '9223372036854775807', 'inf', '1234567.89', '1234567890123456789012345678.0123456789']);
  assert.is(found.file.upper[5], 'snowman ☃ 𝄞 lonh');
});

test('rule 1 from outside: filters on a column with infinity and NaN find their rows', async ({ f }) => {
  await load(f, { table: 'web.types', schema }, ROWS);
  const counts = await python<number[]>(
    f,
    `
t = catalog.load_table('web.types')
out([t.scan(row_filter=x).to_arrow().num_rows for x in ["d > 100000.0", "d = 0.0", "d < 1.0", "l < 0", "m9 > 1000000", "tz < '1970-01-01T00:00:00+00:00'", "s = ''", "dt > '9000-01-01'"]])`,
  );
  assert.equal(counts.slice(1), [1, 1, 1, 1, 1, 1, 1]);
  assert.ok((counts[0] ?? 0) >= 1, 'infinity is above it');
});

const PARTITIONS: readonly (readonly [string, string, string])[] = [
  ['year', 'year(tz)', "tz < '1970-01-01T00:00:00+00:00'"],
  ['month', 'month(ts)', "ts >= '2024-01-01T00:00:00' and ts < '2024-02-01T00:00:00'"],
  ['day', 'day(dt)', "dt = '2024-02-29'"],
  ['hour', 'hour(tz)', "tz = '1969-12-31T23:59:59.999999+00:00'"],
  ['bucket', 'bucket(7, s)', "s = 'a'"],
  ['bucketlong', 'bucket(7, l)', 'l = 9223372036854775807'],
  ['bucketdecimal', 'bucket(7, m38)', 'm38 = 0'],
  ['truncate', 'truncate(3, s)', "s = 'a'"],
  ['truncatelong', 'truncate(10, l)', 'l = 0'],
  ['identity', 's', "s = ''"],
];

test('prunes by every partition transform to the right file and row', async ({ f }) => {
  for (const [name, by] of PARTITIONS) await load(f, { table: `web.p_${name}`, schema, partitionBy: [by] }, ROWS);
  const found = await python<[string, number, number, number][]>(
    f,
    `
result = []
for name, filter in json.loads('''${JSON.stringify(PARTITIONS.map(([n, , w]) => [n, w]))}'''):
  t = catalog.load_table('web.p_' + name)
  s = t.scan(row_filter=filter)
  result.append([name, s.to_arrow().num_rows, len(list(s.plan_files())), len(list(t.scan().plan_files()))])
out(result)`,
  );
  for (const [name, rows, kept, all] of found) {
    assert.is(rows, 1, name);
    assert.is(kept, 1, `${name}: files kept`);
    assert.ok(all >= 3, name);
  }
});

test('what PyIceberg appended, renamed and deleted is read and appended to by us', async ({ f }) => {
  await load(
    f,
    {
      table: 'web.t',
      schema: [
        { name: 'id', type: 'long' },
        { name: 'at', type: 'timestamp' },
      ],
      timeColumn: 'at',
    },
    `SELECT i AS id, TIMESTAMPTZ '2024-01-01' + to_days(i::INTEGER) AS at, 0 AS st FROM range(4) t(i)`,
  );
  await python(
    f,
    `
t = catalog.load_table('web.t')
t.append(pa.table({'id': pa.array([100, 101], pa.int64()), 'at': pa.array([datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)] * 2, pa.timestamp('us', tz='UTC'))}))
with t.update_schema() as u:
  u.add_column('note', __import__('pyiceberg.types').types.StringType())
t.delete("id = 2")
out(len(t.snapshots()))`,
  );
  const request = {
    table: 'web.t',
    schema: [
      { name: 'id', type: 'long' },
      { name: 'note', type: 'string' },
    ],
  } as const;
  const { plan } = await load(f, request, `SELECT 7::BIGINT AS id, 'hello' AS note, 0 AS st`);
  assert.equal(plan.schemaChanges, []);
  assert.equal(
    (await readRows(f, 'web.t', 'id::INTEGER AS id')).map((r) => Number(r['id'])).sort((a, b) => a - b),
    [0, 1, 3, 7, 100, 101],
  );
  const back = await python<{ ids: number[]; notes: (string | null)[]; total: string }>(
    f,
    `
t = catalog.load_table('web.t')
a = t.scan().to_arrow().sort_by('id')
out({'ids': a['id'].to_pylist(), 'notes': a['note'].to_pylist(), 'total': t.current_snapshot().summary['total-records']})`,
  );
  assert.equal(back.ids, [0, 1, 3, 7, 100, 101]);
  assert.equal(back.notes, [null, null, null, 'hello', null, null]);
  assert.is(back.total, '6');
});

test('a table that PyIceberg made, with nested and foreign types, is read; appends write NULL there', async ({ f }) => {
  await python(
    f,
    `
catalog.create_namespace_if_not_exists('py')
s = pa.schema([('id', pa.int32()), ('f', pa.float32()), ('tags', pa.list_(pa.string())), ('st', pa.struct([('x', pa.int64()), ('y', pa.string())])), ('mp', pa.map_(pa.string(), pa.float64())), ('tm', pa.time64('us'))])
t = catalog.create_table('py.mixed', schema=s)
t.append(pa.table({'id': [1], 'f': [1.5], 'tags': [['a', 'b']], 'st': [{'x': 1, 'y': 'q'}], 'mp': [[('k', 1.0)]], 'tm': [datetime.time(1, 2, 3)]}, schema=s))
out(1)`,
  );
  const { metadata } = await f.warehouse.catalog.loadTable('py.mixed');
  assert.is(metadata['last-column-id'], 11);
  assert.equal(
    currentSchema(metadata).fields.map((x) => (typeof x.type === 'string' ? x.type : x.type.type)),
    ['int', 'float', 'list', 'struct', 'map', 'time'],
  );
  const { plan } = await load(
    f,
    {
      table: 'py.mixed',
      schema: [
        { name: 'id', type: 'long' },
        { name: 'f', type: 'double' },
      ],
    },
    `SELECT 2::BIGINT AS id, 2.5::DOUBLE AS f, 0 AS st`,
  );
  assert.equal(plan.schemaChanges, ['py.mixed: column id widened from int to long', 'py.mixed: column f widened from float to double']);
  const after = await f.warehouse.catalog.loadTable('py.mixed');
  const manifests = await f.warehouse.reader.manifests(currentSnapshot(after.metadata) as Snapshot);
  const entries = (await Promise.all(manifests.map((m) => f.warehouse.reader.entries(m)))).flat();
  assert.equal(entries.map((e) => decodeValue('long', e.file.lowerBounds?.get(1) ?? new Uint8Array())).sort(), [1n, 2n]);
  const back = await python<unknown[]>(f, `out(catalog.load_table('py.mixed').scan().to_arrow().sort_by('id').to_pylist())`);
  assert.equal(
    back.map((r) => (r as { id: number; f: number }).f),
    [1.5, 2.5],
  );
  assert.is((back[1] as { tags: unknown }).tags, null);
});

test('manifests that we merged and a table that we replaced stay readable, time travel too', async ({ f }) => {
  const request = { table: 'web.m', schema: [{ name: 'id', type: 'long' }], partitionBy: ['bucket(2, id)'] } as const;
  for (let i = 0; i < 103; i++) await load(f, request, `SELECT ${i}::BIGINT AS id, 0 AS st`);
  await load(f, { ...request, mode: 'replace' }, `SELECT -1::BIGINT AS id, 0 AS st`);
  const found = await python<unknown>(
    f,
    `
t = catalog.load_table('web.m')
s = t.snapshots()
out([t.scan().to_arrow()['id'].to_pylist(), t.scan(snapshot_id=s[-2].snapshot_id).to_arrow().num_rows, t.scan(snapshot_id=s[49].snapshot_id).to_arrow().num_rows, t.scan(snapshot_id=s[-2].snapshot_id, row_filter='id = 5').to_arrow().num_rows])`,
  );
  assert.equal(found, [[-1], 103, 50, 1]);
  assert.is((await liveFiles(f, 'web.m')).length, 1);
});

test.run();
