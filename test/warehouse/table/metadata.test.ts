import { gzipSync } from 'node:zlib';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../../src/core/spi/index.js';
import { openLocalStorage } from '../../../src/warehouse/storage/local-storage.js';
import { nextMetadataLocation, readTableMetadata } from '../../../src/warehouse/table/metadata-file.js';
import { formatMetadataJson, parseMetadataJson } from '../../../src/warehouse/table/metadata-json.js';
import { currentSchema, schemaOfSnapshot, type NestedField, type Snapshot } from '../../../src/warehouse/table/model.js';
import {
  assignPartitionIds,
  finishVersion,
  newTableMetadata,
  withFields,
  withPartition,
  withSnapshot,
  withoutSnapshots,
} from '../../../src/warehouse/table/table-changes.js';
import { largestFieldId } from '../../../src/warehouse/table/types.js';

const fields: readonly NestedField[] = [{ id: 1, name: 'id', required: false, type: 'long' }];
const table = newTableMetadata({ uuid: 'u', location: 'file:///t', fields, partition: [], properties: {}, now: 1000 });
const snapshot = (id: bigint, sequence: number, parent?: bigint): Snapshot => ({
  'snapshot-id': id,
  ...(parent === undefined ? {} : { 'parent-snapshot-id': parent }),
  'sequence-number': sequence,
  'timestamp-ms': 1000 + sequence,
  'manifest-list': `file:///t/metadata/snap-${id}.avro`,
  summary: { operation: 'append' },
  'schema-id': 0,
});

test('63-bit snapshot ids and what other engines wrote survive reading and writing', () => {
  const text =
    '{"format-version":2,"location":"file:///t","current-snapshot-id":6967403609438137587,"refs":{"main":{"snapshot-id":6967403609438137587,"type":"branch"}},' +
    '"properties":{"a":"say \\"snapshot-id\\": 6967403609438137587 please","n":"6967403609438137587"},"x-foreign":{"big":9223372036854775807,"small":-1,"f":1.5e300},' +
    '"statistics":[{"snapshot-id":6967403609438137587}],"snapshots":[{"snapshot-id":6967403609438137587,"parent-snapshot-id":123,"sequence-number":1,"timestamp-ms":1,"manifest-list":"m","summary":{"operation":"append"}}],"snapshot-log":[{"timestamp-ms":1,"snapshot-id":6967403609438137587}]}';
  const parsed = parseMetadataJson(text);
  assert.is(parsed['current-snapshot-id'], 6967403609438137587n);
  assert.is(parsed.snapshots[0]?.['parent-snapshot-id'], 123n);
  const written = formatMetadataJson(parsed);
  for (const part of [
    '"big":9223372036854775807',
    '"small":-1',
    '"n":"6967403609438137587"',
    '"statistics":[{"snapshot-id":6967403609438137587}]',
    '\\"snapshot-id\\": 6967403609438137587 please',
  ])
    assert.ok(written.includes(part), part);
  assert.equal(parseMetadataJson(written), parsed);
});

test('a table without a snapshot says -1', () => {
  assert.match(formatMetadataJson(table), '"current-snapshot-id":-1');
  assert.is(table['last-partition-id'], 999);
});

test('rule 4: current reads use the current schema, time travel the snapshot’s', () => {
  const first = snapshot(1n, 1);
  const renamed = withFields(withSnapshot(table, first), [{ ...fields[0], name: 'number' } as NestedField]);
  assert.is(currentSchema(renamed).fields[0]?.name, 'number');
  assert.is(schemaOfSnapshot(renamed, first).fields[0]?.name, 'id');
  assert.is(withFields(renamed, fields)['current-schema-id'], 0);
  assert.is(withFields(renamed, fields).schemas.length, 2);
});

test('rule 5: a second partition spec gets an id of its own, and a known one is used again', () => {
  const day = assignPartitionIds(table, [{ 'source-id': 1, name: 'id_bucket', transform: 'bucket[4]' }]);
  const two = withPartition(table, day);
  assert.equal([two['default-spec-id'], two['last-partition-id'], two['partition-specs'].length], [1, 1000, 2]);
  assert.is(assignPartitionIds(two, [{ 'source-id': 1, name: 'other', transform: 'bucket[8]' }])[0]?.['field-id'], 1001);
  assert.is(assignPartitionIds(two, [{ 'source-id': 1, name: 'again', transform: 'bucket[4]' }])[0]?.['field-id'], 1000);
  assert.is(withPartition(two, [])['default-spec-id'], 0);
});

test('rule 8: last-column-id counts nested ids', () => {
  const nested: NestedField = {
    id: 2,
    name: 'n',
    required: false,
    type: {
      type: 'map',
      'key-id': 7,
      key: 'string',
      'value-id': 8,
      'value-required': false,
      value: {
        type: 'struct',
        fields: [{ id: 12, name: 'l', required: false, type: { type: 'list', 'element-id': 20, element: 'long', 'element-required': false } }],
      },
    },
  };
  assert.is(largestFieldId([...fields, nested]), 20);
  assert.is(withFields(table, [...fields, nested])['last-column-id'], 20);
});

test('the metadata log is cut at the table’s limit, and the cut files are named', () => {
  let current = { ...table, properties: { ...table.properties, 'write.metadata.previous-versions-max': '2' } };
  const dropped: string[] = [];
  for (let i = 0; i < 4; i++) {
    const next = finishVersion(current, { location: `file:///t/metadata/${i}.json`, table: current }, 2000 + i);
    dropped.push(...next.droppedFiles);
    current = next.table as typeof current;
  }
  assert.equal(
    current['metadata-log'].map((e) => e['metadata-file']),
    ['file:///t/metadata/2.json', 'file:///t/metadata/3.json'],
  );
  assert.equal(dropped, ['file:///t/metadata/0.json', 'file:///t/metadata/1.json']);
});

test('expiry leaves no gap in the snapshot log and drops statistics of the expired', () => {
  const three = [1n, 2n, 3n].reduce((t, id) => withSnapshot(t, snapshot(id, Number(id), id === 1n ? undefined : id - 1n)), table);
  const left = withoutSnapshots({ ...three, statistics: [{ 'snapshot-id': 2 }, { 'snapshot-id': 3 }] }, new Set([2n]));
  assert.equal(
    left['snapshot-log'].map((e) => e['snapshot-id']),
    [3n],
  );
  assert.equal(left['statistics'], [{ 'snapshot-id': 3 }]);
  assert.equal(
    left.snapshots.map((s) => s['snapshot-id']),
    [1n, 3n],
  );
});

test('rule 6: gzipped metadata of other engines is read; damaged or newer metadata is refused', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-metadata-'));
  const storage = openLocalStorage(`file://${dir}`);
  const put = (name: string, bytes: Uint8Array | string): string => {
    writeFileSync(join(dir, name), bytes);
    return `file://${dir}/${name}`;
  };
  const code = async (uri: string): Promise<string> =>
    readTableMetadata(storage, uri).then(
      () => 'read',
      (e: unknown) => (e as SluiceError).code,
    );
  assert.is((await readTableMetadata(storage, put('a.gz.metadata.json', gzipSync(formatMetadataJson(table)))))['table-uuid'], 'u');
  assert.is(await code(put('cut.metadata.json', formatMetadataJson(table).slice(0, 100))), 'METADATA_DAMAGED');
  assert.is(await code(put('v3.metadata.json', formatMetadataJson({ ...table, 'format-version': 3 }))), 'FORMAT_VERSION');
  assert.is(await code(`file://${dir}/none.metadata.json`), 'OBJECT_MISSING');
  rmSync(dir, { recursive: true });
});

test('versions are numbered on, whatever name another engine gave the last', () => {
  assert.match(nextMetadataLocation(table, undefined), /\/t\/metadata\/00000-[0-9a-f-]{36}\.metadata\.json$/);
  assert.match(nextMetadataLocation(table, 'file:///t/metadata/00041-x.gz.metadata.json'), /\/00042-/);
});

test.run();
