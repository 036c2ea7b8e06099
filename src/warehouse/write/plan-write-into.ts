import { randomUUID } from 'node:crypto';
import { ConfigError, parseColumnType } from '../../core/spi/index.js';
import type { Catalog, LoadedTable } from '../catalog/catalog.js';
import { formatTableName, type TableName } from '../catalog/table-name.js';
import { currentSchema, defaultSpec, type NestedField, type PartitionField } from '../table/model.js';
import { parseTransform } from '../table/transforms.js';
import { assignPartitionIds } from '../table/table-changes.js';
import { checkColumnNames, evolveSchema, replaceSchema, type EvolvedSchema, type IncomingColumn } from './evolve-schema.js';
import { defaultPartition, describePartition, parsePartitionBy, timeField, type PartitionChoice } from './partition-by.js';
import { planRowMode } from './plan-row-mode.js';
import type { WritePlan, WriteRequest } from './write-plan.js';

/** Property that names a table's time column. */
const TIME_COLUMN_PROPERTY = 'sluice.time-column';

/** Plans a write into a table whose name was judged before (rejects tables have a reserved one). */
export async function planWriteInto(catalog: Catalog, root: string, name: TableName, request: WriteRequest): Promise<WritePlan> {
  const table = formatTableName(name);
  const incoming = parseColumns(request.schema);
  checkColumnNames(incoming);
  const existing = await catalog.findTable(table);
  const plan = existing ? planExisting(existing, incoming, request, table) : planNew(name, root, incoming, request, table);
  return { ...plan, ...(await planRowMode(request, { ...plan, metadata: existing?.metadata })) };
}

function parseColumns(schema: WriteRequest['schema']): readonly IncomingColumn[] {
  return schema.map(({ name, type }) => {
    const parsed = parseColumnType(type);
    if (parsed === undefined)
      throw new ConfigError({
        code: 'COLUMN_TYPE',
        message: `column ${name}: ${JSON.stringify(type)} is no column type`,
        hint: 'types: boolean, long, double, decimal(p,s), string, date, timestamp, datetime, json, binary',
      });
    return { name, type: parsed };
  });
}

function planNew(name: TableName, root: string, incoming: readonly IncomingColumn[], request: WriteRequest, table: string): WritePlan {
  const { fields, columns } = replaceSchema(table, [], 0, incoming);
  const uuid = randomUUID();
  const choice = choosePartition(request, fields);
  return {
    table,
    tableUuid: uuid,
    isNew: true,
    location: `${root}/${name.namespace}/${name.name}-${uuid.replaceAll('-', '')}`,
    mode: request.mode,
    columns,
    fields,
    partition: assignPartitionIds(undefined, choice),
    schemaChanges: [],
    notes: [choice.length === 0 ? `${table} is new, not partitioned` : `${table} is new, partitioned by ${describePartition(choice, fields)}`],
    properties: propertiesOf(request, fields),
  };
}

function planExisting(existing: LoadedTable, incoming: readonly IncomingColumn[], request: WriteRequest, table: string): WritePlan {
  const { metadata } = existing;
  const old = currentSchema(metadata).fields;
  const lastColumnId = metadata['last-column-id'];
  const schema =
    request.mode === 'replace'
      ? replaceSchema(table, old, lastColumnId, incoming)
      : evolveSchema(table, old, lastColumnId, incoming, request.schemaEvolution ?? 'add');
  if (request.mode === 'replace' && request.schemaEvolution === 'strict' && schema.changes.length > 0) {
    throw new ConfigError({
      code: 'SCHEMA_CLASH',
      message: `schema_evolution is strict, but: ${schema.changes.join('; ')}`,
      hint: 'set schema_evolution: add',
    });
  }
  const partition =
    request.mode === 'replace' ? replacePartition(existing, request, schema.fields) : keepPartition(existing, request, schema.fields, table);
  const before = describePartition(defaultSpec(metadata).fields, old);
  const after = describePartition(partition, schema.fields);
  return {
    table,
    tableUuid: metadata['table-uuid'],
    isNew: false,
    location: metadata.location,
    mode: request.mode,
    columns: schema.columns,
    fields: schema.fields,
    partition,
    schemaChanges: before === after ? schema.changes : [...schema.changes, `${table}: partitioned by ${after} instead of ${before}`],
    notes: notesOf(table, request, schema),
    properties: propertiesOf(request, schema.fields),
  };
}

function notesOf(table: string, request: WriteRequest, schema: EvolvedSchema): readonly string[] {
  const kept = request.mode === 'merge' ? 'kept where a row has the same key, else NULL' : 'NULL';
  return [
    ...(request.mode === 'replace' || request.mode === 'truncate' ? [`${table}: all rows are replaced; older snapshots stay readable`] : []),
    ...(schema.missing.length > 0 ? [`${table}: no input for ${schema.missing.join(', ')}: ${kept}`] : []),
  ];
}

function choosePartition(request: WriteRequest, fields: readonly NestedField[]): readonly PartitionChoice[] {
  const time = timeField(request.timeColumn, fields);
  return request.partitionBy === undefined ? defaultPartition(time?.name, fields) : parsePartitionBy(request.partitionBy, fields);
}

/** An existing table keeps its partitioning; a config that asks for another is wrong about it. */
function keepPartition(existing: LoadedTable, request: WriteRequest, fields: readonly NestedField[], table: string): readonly PartitionField[] {
  const spec = defaultSpec(existing.metadata).fields;
  for (const field of spec) {
    if (parseTransform(field.transform).kind === 'unknown') {
      throw new ConfigError({
        code: 'PARTITION_UNKNOWN',
        message: `${table}: it is partitioned by ${field.transform}, which this version cannot compute`,
        hint: 'write to it with the engine that made it',
      });
    }
  }
  timeField(request.timeColumn, fields);
  if (request.partitionBy === undefined) return spec;
  const wanted = parsePartitionBy(request.partitionBy, fields);
  const live = spec.filter((f) => f.transform !== 'void');
  const same =
    live.length === wanted.length && live.every((f, i) => f['source-id'] === wanted[i]?.['source-id'] && f.transform === wanted[i].transform);
  if (same) return spec;
  throw new ConfigError({
    code: 'PARTITION_CLASH',
    message: `${table}: the table is partitioned by ${describePartition(live, fields)}, the config asks for ${describePartition(wanted, fields)}`,
    hint: 'remove partition_by from the config, or load with mode: replace',
  });
}

function replacePartition(existing: LoadedTable, request: WriteRequest, fields: readonly NestedField[]): readonly PartitionField[] {
  const spec = defaultSpec(existing.metadata).fields;
  const survives = spec.every((f) => fields.some((field) => field.id === f['source-id']) && parseTransform(f.transform).kind !== 'unknown');
  if (request.partitionBy === undefined && request.timeColumn === undefined && survives) return spec;
  return assignPartitionIds(existing.metadata, choosePartition(request, fields));
}

function propertiesOf(request: WriteRequest, fields: readonly NestedField[]): { readonly [key: string]: string } {
  const time = timeField(request.timeColumn, fields);
  return {
    ...(time ? { [TIME_COLUMN_PROPERTY]: time.name } : {}),
    ...(request.tableComment === undefined ? {} : { comment: request.tableComment }),
    ...request.properties,
  };
}
