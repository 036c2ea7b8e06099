import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openWarehouse } from '../../../src/warehouse/index.js';
import { encodeManifest } from '../../../src/warehouse/table/manifest.js';
import { encodeManifestList } from '../../../src/warehouse/table/manifest-list.js';
import { DELETE_MANIFEST, EXISTING, currentSchema, currentSnapshot, defaultSpec, type Snapshot } from '../../../src/warehouse/table/model.js';
import { withSnapshot } from '../../../src/warehouse/table/table-changes.js';
import { runPythonJson } from '../../servers/python.js';
import { field, openTestWarehouse, type TestFile, type TestWarehouse } from '../query/fixture.js';

const test = suite<{ house: TestWarehouse }>('compaction and PyIceberg');
test.before.each(async (context) => {
  context.house = await openTestWarehouse();
});
test.after.each(({ house }) => house.close());

const READ = `
import sys, json
from pyiceberg.catalog.sql import SqlCatalog
catalog = SqlCatalog('sluice', uri='sqlite:///' + sys.argv[1] + '/meta.db', warehouse='file://' + sys.argv[1] + '/warehouse')
t = catalog.load_table('c.t')
ids = sorted(t.scan().to_arrow().column('id').to_pylist())
old = sorted(t.scan(snapshot_id=int(sys.argv[2])).to_arrow().column('id').to_pylist())
print(json.dumps({'count': len(ids), 'sum': sum(ids), 'old': [len(old), sum(old)], 'deletes': len([f for f in t.inspect.files().to_pylist() if f['content'] == 1])}))
`;

/** Puts all delete files into one manifest, as a writer with manifest merging does. */
async function joinDeleteManifests(house: TestWarehouse): Promise<void> {
  const table = await house.load('c.t');
  const parent = currentSnapshot(table) as Snapshot;
  const manifests = await house.reader.manifests(parent);
  const deletes = manifests.filter((m) => m.content === DELETE_MANIFEST);
  const entries = (await Promise.all(deletes.map((m) => house.reader.entries(m)))).flat().map((e) => ({ ...e, status: EXISTING }) as const);
  const sequenceNumber = table['last-sequence-number'] + 1;
  const joined = encodeManifest({
    uri: `${table.location}/metadata/joined-m0.avro`,
    schema: currentSchema(table),
    spec: defaultSpec(table),
    fields: [],
    content: DELETE_MANIFEST,
    snapshotId: 5n,
    sequenceNumber,
    entries,
  });
  const snapshot: Snapshot = {
    ...parent,
    'snapshot-id': 5n,
    'parent-snapshot-id': parent['snapshot-id'],
    'sequence-number': sequenceNumber,
    'timestamp-ms': parent['timestamp-ms'] + 1,
    'manifest-list': `${table.location}/metadata/snap-joined.avro`,
  };
  await house.storage.write(joined.manifest.path, joined.bytes);
  await house.storage.write(
    snapshot['manifest-list'],
    encodeManifestList(snapshot, [...manifests.filter((m) => m.content !== DELETE_MANIFEST), joined.manifest]),
  );
  await house.change('c.t', (t) => withSnapshot(t, snapshot));
}

test('reads what is left after deletes were folded into some files and stay with others', async ({ house }) => {
  await house.createTable('c.t', [field(1, 'id', 'long')]);
  const files = await house.append('c.t', ['SELECT range AS id FROM range(10)', 'SELECT range + 1000 AS id FROM range(5000)', 'SELECT 99 AS id']);
  await house.deletePositions('c.t', files[0] as TestFile, [0, 1, 2], { withBounds: true });
  // Without bounds it may name the small files, too: it is read with them, and must stay for the large one.
  await house.deletePositions('c.t', files[1] as TestFile, [0, 1]);
  await joinDeleteManifests(house);
  await house.change('c.t', (t) => ({ ...t, properties: { ...t.properties, 'write.target-file-size-bytes': '5000' } }));
  const before = currentSnapshot(await house.load('c.t'))?.['snapshot-id'] ?? 0n;
  const clock = { now: Date.now, sleep: () => Promise.resolve() };
  const warehouse = openWarehouse({ metastore: house.metastore, root: house.storage.root, clock, log: { log: () => undefined } });
  const [report] = (await warehouse.maintain()).tables;
  await warehouse.closeSql();
  assert.equal([report?.problems, report?.compaction.filesBefore, report?.compaction.rowsFolded], [[], 2, 3]);
  const small = 3 + 4 + 5 + 6 + 7 + 8 + 9 + 99;
  const large = (5000 * (1000 + 5999)) / 2 - 1000 - 1001;
  const found = await runPythonJson(READ, [house.folder, String(before)]);
  assert.equal(found, { count: 8 + 4998, sum: small + large, old: [8 + 4998, small + large], deletes: 1 });
  assert.equal(await house.rows('SELECT count(*) AS n, sum(id)::BIGINT AS s FROM c.t'), [{ n: 5006n, s: BigInt(small + large) }]);
});

test.run();
