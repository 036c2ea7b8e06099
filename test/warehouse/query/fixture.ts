import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type DuckConnection } from '../../../src/core/duckdb/index.js';
import { parseReturnStats } from '../../../src/core/duckdb/return-stats.js';
import { quoteIdentifier, quoteLiteral } from '../../../src/core/spi/index.js';
import { openMetastore, type Metastore } from '../../../src/metastore/index.js';
import { openLocalStorage } from '../../../src/warehouse/storage/local-storage.js';
import { uriOfPath } from '../../../src/warehouse/storage/file-uri.js';
import type { Storage } from '../../../src/warehouse/storage/storage.js';
import { columnMetrics, leafColumns } from '../../../src/warehouse/table/bounds.js';
import { encodeManifest } from '../../../src/warehouse/table/manifest.js';
import { encodeManifestList } from '../../../src/warehouse/table/manifest-list.js';
import { nextMetadataLocation, writeTableMetadata } from '../../../src/warehouse/table/metadata-file.js';
import {
  ADDED,
  DATA,
  DELETE_MANIFEST,
  POSITION_DELETES,
  currentSchema,
  currentSnapshot,
  defaultSpec,
  type DataFile,
  type ManifestFile,
  type NestedField,
  type PartitionField,
  type TableMetadata,
} from '../../../src/warehouse/table/model.js';
import { bindSpec } from '../../../src/warehouse/table/partition-record.js';
import { finishVersion, newTableMetadata, withFields, withPartition, withSnapshot } from '../../../src/warehouse/table/table-changes.js';
import { createTableReader, type TableReader } from '../../../src/warehouse/table/table-reader.js';
import { parsePartitionText, transformSql } from '../../../src/warehouse/table/transform-sql.js';
import { parseTransform } from '../../../src/warehouse/table/transforms.js';
import { duckTypeOf } from '../../../src/warehouse/table/types.js';
import { openQueryEngine, type QueryEngine } from '../../../src/warehouse/query/query-engine.js';

export interface TestFile {
  readonly uri: string;
  readonly path: string;
}

/**
 * A warehouse on local files and SQLite whose tables are laid file by file, also as other engines lay them: delete files,
 * several specs, missing statistics.
 */
export interface TestWarehouse {
  readonly folder: string;
  readonly metastore: Metastore;
  readonly storage: Storage;
  readonly reader: TableReader;
  readonly engine: QueryEngine;
  readonly sql: DuckConnection;
  createTable(name: string, fields: readonly NestedField[], partition?: readonly PartitionField[]): Promise<void>;
  /** One commit; each SELECT (columns named as the table's) becomes one file per partition. */
  append(name: string, selects: readonly string[], options?: { readonly withoutStats?: boolean }): Promise<readonly TestFile[]>;
  /** One commit with a position delete file, as Trino writes it. */
  deletePositions(
    name: string,
    file: TestFile,
    positions: readonly number[],
    options?: { readonly withBounds?: boolean; readonly content?: 1 | 2 },
  ): Promise<void>;
  change(name: string, change: (table: TableMetadata) => TableMetadata): Promise<void>;
  load(name: string): Promise<TableMetadata>;
  createView(name: string, sql: string): Promise<void>;
  /** All rows of a query as objects. */
  rows(sql: string, options?: Parameters<QueryEngine['query']>[1]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export async function openTestWarehouse(): Promise<TestWarehouse> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-query-'));
  const temp = join(folder, 'temp');
  await mkdir(temp);
  const metastore = await openMetastore({ url: `sqlite:${join(folder, 'meta.db')}` });
  const storage = openLocalStorage(uriOfPath(join(folder, 'warehouse')));
  const reader = createTableReader(storage);
  const engine = openQueryEngine({ catalog: metastore.catalog, reader, storage }, { tempDir: temp, threads: 2 });
  const database = await openDatabase({ threads: 2 });
  const sql = await database.connect();
  const split = (name: string): [string, string] => [name.split('.')[0] ?? '', name.split('.').slice(1).join('.')];
  const locationOf = async (name: string): Promise<string> => (await metastore.catalog.getTable(...split(name)))?.metadataLocation ?? '';
  const load = async (name: string): Promise<TableMetadata> => reader.metadata(await locationOf(name));

  async function change(name: string, edit: (table: TableMetadata) => TableMetadata): Promise<void> {
    const from = await locationOf(name);
    const table = await reader.metadata(from);
    const next = finishVersion(edit(table), { location: from, table }, Date.now()).table;
    const to = nextMetadataLocation(next, from);
    await writeTableMetadata(storage, to, next);
    await metastore.transaction(async (tx) => metastore.catalog.swapTable(tx, ...split(name), from, to));
  }

  async function commit(name: string, files: readonly DataFile[], content: 'data' | 'deletes'): Promise<void> {
    const table = await load(name);
    const spec = defaultSpec(table);
    const id = randomBytes(8).readBigUInt64BE() >> 1n;
    const sequence = table['last-sequence-number'] + 1;
    const encoded = encodeManifest({
      uri: `${table.location}/metadata/${randomUUID()}-m0.avro`,
      schema: currentSchema(table),
      spec,
      fields: bindSpec(table, spec),
      snapshotId: id,
      sequenceNumber: sequence,
      entries: files.map((file) => ({ status: ADDED, snapshotId: id, file })),
    });
    const manifest: ManifestFile = content === 'data' ? encoded.manifest : { ...encoded.manifest, content: DELETE_MANIFEST };
    await storage.write(manifest.path, encoded.bytes);
    const parent = currentSnapshot(table);
    const before = parent ? await reader.manifests(parent) : [];
    const last = table.snapshots.at(-1)?.['timestamp-ms'] ?? 0;
    const snapshot = {
      'snapshot-id': id,
      ...(parent ? { 'parent-snapshot-id': parent['snapshot-id'] } : {}),
      'sequence-number': sequence,
      'timestamp-ms': Math.max(Date.now(), last + 1),
      'manifest-list': `${table.location}/metadata/snap-${id}.avro`,
      summary: { operation: content === 'data' ? 'append' : 'delete' },
      'schema-id': table['current-schema-id'],
    };
    await storage.write(snapshot['manifest-list'], encodeManifestList(snapshot, [...before, { ...manifest, sequenceNumber: sequence }]));
    await change(name, (t) => withSnapshot(t, snapshot));
  }

  async function copyFiles(table: TableMetadata, select: string, withoutStats: boolean): Promise<DataFile[]> {
    const schema = currentSchema(table);
    const spec = defaultSpec(table);
    const bound = bindSpec(table, spec);
    const target = join(folder, 'warehouse', randomUUID());
    const columns = schema.fields.map((f) => `CAST(${quoteIdentifier(f.name)} AS ${duckTypeOf(f.type)}) AS ${quoteIdentifier(f.name)}`);
    const parts = bound.map(
      (f) =>
        `${transformSql(parseTransform(f.transform), f.sourceType, quoteIdentifier(schema.fields.find((c) => c.id === f['source-id'])?.name ?? ''))} AS __p${f['field-id']}`,
    );
    const ids = schema.fields.map((f) => `${quoteIdentifier(f.name)}: ${f.id}`).join(', ');
    await mkdir(join(folder, 'warehouse'), { recursive: true });
    const layout = bound.length === 0 ? '' : `, PARTITION_BY (${bound.map((f) => `__p${f['field-id']}`).join(', ')}), WRITE_PARTITION_COLUMNS false`;
    const rows = await sql.rows(
      `COPY (SELECT ${['*', ...parts].join(', ')} FROM (SELECT ${columns.join(', ')} FROM (${select}))) TO ${quoteLiteral(bound.length === 0 ? `${target}.parquet` : target)} (FORMAT parquet, FIELD_IDS {${ids}}, RETURN_STATS true${layout})`,
    );
    return parseReturnStats(rows).map((file) => {
      const metrics = columnMetrics(leafColumns(schema), file.columns);
      const none = { columnSizes: null, valueCounts: null, nullValueCounts: null, nanValueCounts: null, lowerBounds: null, upperBounds: null };
      return {
        content: DATA,
        path: uriOfPath(file.path),
        format: 'PARQUET',
        specId: spec['spec-id'],
        partition: new Map(
          bound.map((f) => [
            f['field-id'],
            parsePartitionText(parseTransform(f.transform), f.sourceType, file.partition.get(`__p${f['field-id']}`) ?? null),
          ]),
        ),
        recordCount: file.rows,
        fileSizeInBytes: file.bytes,
        ...(withoutStats ? none : metrics),
        keyMetadata: null,
        splitOffsets: null,
        equalityIds: null,
        sortOrderId: null,
      };
    });
  }

  return {
    folder,
    metastore,
    storage,
    reader,
    engine,
    sql,
    async createTable(name, fields, partition = []) {
      const table = newTableMetadata({
        uuid: randomUUID(),
        location: `${storage.root}/${name.replace('.', '/')}-${randomUUID()}`,
        fields,
        partition,
        properties: {},
        now: Date.now(),
      });
      const location = nextMetadataLocation(table, undefined);
      await writeTableMetadata(storage, location, table);
      await metastore.transaction(async (tx) => {
        await metastore.catalog.createNamespace(tx, split(name)[0]);
        await metastore.catalog.insertTable(tx, ...split(name), location);
      });
    },
    async append(name, selects, options = {}) {
      const table = await load(name);
      const files: DataFile[] = [];
      for (const select of selects) files.push(...(await copyFiles(table, select, options.withoutStats ?? false)));
      await commit(name, files, 'data');
      return files.map((f) => ({ uri: f.path, path: f.path.slice('file://'.length) }));
    },
    async deletePositions(name, file, positions, options = {}) {
      const path = join(folder, 'warehouse', `${randomUUID()}-deletes.parquet`);
      const rows = positions.map((p) => `(${quoteLiteral(file.uri)}, ${p})`).join(', ');
      await sql.run(
        `COPY (SELECT a::VARCHAR AS file_path, b::BIGINT AS pos FROM (VALUES ${rows}) v(a, b)) TO ${quoteLiteral(path)} (FORMAT parquet, FIELD_IDS {file_path: 2147483546, pos: 2147483545})`,
      );
      const table = await load(name);
      const entries = (await Promise.all((await reader.manifests(currentSnapshot(table) ?? raise())).map((m) => reader.entries(m))))
        .flat()
        .map((e) => e.file);
      const touched = entries.find((f) => f.path === file.uri) ?? raise();
      const none = { columnSizes: null, valueCounts: null, nullValueCounts: null, nanValueCounts: null, lowerBounds: null, upperBounds: null };
      const named = new Map([[2147483546, Buffer.from(file.uri)]]);
      await commit(
        name,
        [
          {
            ...touched,
            ...none,
            ...(options.withBounds ? { lowerBounds: named, upperBounds: named } : {}),
            content: options.content ?? POSITION_DELETES,
            path: uriOfPath(path),
            recordCount: positions.length,
            fileSizeInBytes: (await stat(path)).size,
          },
        ],
        'deletes',
      );
    },
    change,
    load,
    async createView(name, text) {
      const [namespace, view] = split(name);
      await metastore.transaction(async (tx) =>
        metastore.catalog.putView(tx, { namespace, name: view, sql: text, dialect: 'duckdb', comment: null }, true),
      );
    },
    async rows(text, options) {
      const result = await engine.query(text, options);
      try {
        const rows: Record<string, unknown>[] = [];
        for await (const columns of result.chunks())
          for (let r = 0; r < (columns[0]?.length ?? 0); r++) rows.push(Object.fromEntries(result.columns.map((c, i) => [c.name, columns[i]?.[r]])));
        return rows;
      } finally {
        await result.close();
      }
    },
    async close() {
      sql.close();
      database.close();
      await engine.close();
      await metastore.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function raise(): never {
  throw new Error('the test table is not as expected');
}

export function field(id: number, name: string, type: string): NestedField {
  return { id, name, required: false, type };
}

export function partition(id: number, source: number, transform: string): PartitionField {
  return { 'source-id': source, 'field-id': id, name: `p${id}`, transform };
}

export { withFields, withPartition };
