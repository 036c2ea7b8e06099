import { quoteIdentifier, quoteLiteral, quotePath } from '../../core/spi/index.js';
import type { IcebergSchema, IcebergType, NestedField } from '../table/model.js';
import type { BoundPartitionField } from '../table/partition-record.js';
import { transformSql } from '../table/transform-sql.js';
import { parseTransform } from '../table/transforms.js';
import type { PlannedColumn } from './write-plan.js';

/** Names of columns that the COPY makes; users' columns cannot start with `__`. */
export const STATUS_NAME = '__status';
export function partitionName(field: Pick<BoundPartitionField, 'field-id'>): string {
  return `__p_${field['field-id']}`;
}

/**
 * Parquet as every engine reads it: v1 pages (Spark refuses v2, and DuckDB 1.5 writes INT32 deltas in them that pyarrow and Trino
 * cannot read), zstd 3.
 */
export const PARQUET_OPTIONS = 'FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, PARQUET_VERSION v1, RETURN_STATS true';

/**
 * Rows that DuckDB holds for each open partition before it compresses and writes them: half its default. So a load's memory is
 * the same whatever its size, and no more than 2 million rows are held for a month of days.
 */
const PARTITION_ROW_GROUP = 61_440;

export interface CopyInput {
  /** SELECT with the planned columns' sources and the status column. */
  readonly select: string;
  readonly statusColumn: string;
  /** Every row has status 0, so that only partitions part them. */
  readonly keepsAll?: boolean;
  readonly columns: readonly PlannedColumn[];
  /** The fields of these columns, in their order. */
  readonly fields: readonly NestedField[];
  readonly partition: readonly BoundPartitionField[];
  /** Local folder. */
  readonly folder: string;
  readonly sorted: boolean;
  /** Writes only every n-th group of partitions; rows of other statuses belong to group 0. */
  readonly group?: { readonly index: number; readonly of: number };
}

/** One COPY that writes all rows of a task, split by status and partition. */
export function copySql(input: CopyInput): string {
  const status = quoteIdentifier(STATUS_NAME);
  const columns = input.columns.map((c) => `CAST(${quoteIdentifier(c.source)} AS ${c.duckType}) AS ${quoteIdentifier(c.name)}`);
  const keys = input.partition.map((f) => partitionSql(f, input.columns));
  // A second key, though always the same, costs a twentieth of the time.
  const splits = input.keepsAll !== true || keys.length === 0;
  const typed = `SELECT ${[...columns, ...(splits ? [`CAST(${quoteIdentifier(input.statusColumn)} AS INTEGER) AS ${status}`] : [])].join(', ')} FROM (${input.select})`;
  // NULL for rows that are not kept, so that each status makes one file.
  const expressions = keys.map((k) => `${splits ? `CASE WHEN ${status} = 0 THEN ${k.sql} END` : k.sql} AS ${quoteIdentifier(k.name)}`);
  const keyNames = keys.map((k) => quoteIdentifier(k.name));
  const names = splits ? [status, ...keyNames] : keyNames;
  const partitioned = `SELECT *${expressions.map((e) => `, ${e}`).join('')} FROM (${typed})`;
  const { group } = input;
  const groupOf = group && `CAST(hash(${keyNames.join(', ') || '0'}) % ${group.of} AS INTEGER)`;
  const grouped =
    group === undefined
      ? partitioned
      : `SELECT * FROM (${partitioned}) WHERE ${splits ? `CASE WHEN ${status} = 0 THEN ${groupOf} ELSE 0 END` : groupOf} = ${group.index}`;
  const rowGroup = keys.length === 0 ? '' : `, ROW_GROUP_SIZE ${PARTITION_ROW_GROUP}`;
  const body = input.sorted ? `SELECT * FROM (${grouped}) ORDER BY ${names.join(', ')}` : grouped;
  return `COPY (${body}) TO ${quoteLiteral(input.folder)} (${PARQUET_OPTIONS}${rowGroup}, PARTITION_BY (${names.join(', ')}), WRITE_PARTITION_COLUMNS false, OVERWRITE_OR_IGNORE true, FILENAME_PATTERN '{uuidv7}', FIELD_IDS ${schemaFieldIdsSql({ fields: input.fields })})`;
}

function partitionSql(field: BoundPartitionField, columns: readonly PlannedColumn[]): { readonly name: string; readonly sql: string } {
  const source = columns.find((c) => c.id === field['source-id']);
  // A partition column that the input does not have is NULL throughout.
  const sql = source ? transformSql(parseTransform(field.transform), source.type, quoteIdentifier(source.name)) : 'CAST(NULL AS VARCHAR)';
  return { name: partitionName(field), sql: field.type === 'string' ? shortKeySql(sql) : sql };
}

/** Bytes of a text that fit into a folder's name (255 bytes) beside the field's, each written as `%ab`. */
const LONGEST_KEY = 70;

/** DuckDB names a folder after each key, so that a long text is replaced: by one that is longer than all that stand for themselves. */
function shortKeySql(text: string): string {
  return `CASE WHEN strlen(${text}) > ${LONGEST_KEY} THEN 'sha256:' || sha256(${text}) ELSE ${text} END`;
}

/** Whether the text of a partition key only stands for its value. */
export function isReplacedKey(field: BoundPartitionField, text: string | null | undefined): boolean {
  return field.type === 'string' && Buffer.byteLength(text ?? '') > LONGEST_KEY;
}

/** SELECT for the partition value of a file, from its first row. */
export function firstKeySql(field: BoundPartitionField, columns: readonly PlannedColumn[], path: string): string {
  const source = columns.find((c) => c.id === field['source-id']);
  if (!source) throw new RangeError(`no column of the partition field ${field.name}`);
  const key = transformSql(parseTransform(field.transform), source.type, quoteIdentifier(source.name));
  return `(SELECT ${key} AS key FROM read_parquet(${quotePath(path)}, hive_partitioning = false) LIMIT 1)`;
}

/** `FIELD_IDS` of a schema, nested fields included. */
export function schemaFieldIdsSql(schema: Pick<IcebergSchema, 'fields'>): string {
  const leaf = (id: number, type: IcebergType): string => (typeof type === 'string' ? String(id) : `{__duckdb_field_id: ${id}, ${children(type)}}`);
  const children = (type: Exclude<IcebergType, string>): string => {
    switch (type.type) {
      case 'list':
        return `element: ${leaf(type['element-id'], type.element)}`;
      case 'map':
        return `key: ${leaf(type['key-id'], type.key)}, value: ${leaf(type['value-id'], type.value)}`;
      case 'struct':
        return type.fields.map(named).join(', ');
    }
  };
  const named = (field: NestedField): string => `${quoteIdentifier(field.name)}: ${leaf(field.id, field.type)}`;
  return `{${schema.fields.map(named).join(', ')}}`;
}
