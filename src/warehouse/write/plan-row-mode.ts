import { ConfigError, quoteIdentifier, type RowRefusal } from '../../core/spi/index.js';
import { whyNotRewritable } from '../maintain/rewritable.js';
import { currentSchema, type NestedField, type PartitionField, type TableMetadata } from '../table/model.js';
import { checkReplaceWhere } from './replace-range.js';
import type { MergeOrder, PlannedColumn, WritePlan, WriteRequest } from './write-plan.js';

type RowModePlan = Pick<WritePlan, 'mergeKeys' | 'mergeOrderBy' | 'replaceWhere' | 'refusals'>;

export interface RowModeTarget {
  readonly table: string;
  /** Undefined: the table does not exist yet. */
  readonly metadata: TableMetadata | undefined;
  readonly fields: readonly NestedField[];
  readonly columns: readonly PlannedColumn[];
  readonly partition: readonly PartitionField[];
}

/** The part of a plan that `merge` and `replace_where` add. Errors: ConfigError MERGE_KEYS, REPLACE_WHERE, TABLE_NOT_REWRITABLE. */
export async function planRowMode(request: WriteRequest, target: RowModeTarget): Promise<RowModePlan> {
  if (request.mode === 'replace' && request.refreshesMerge === true) return planMerge(request, target);
  if (request.mode !== 'merge' && request.mode !== 'replace_where') return {};
  refuseUnwritable(target);
  return request.mode === 'merge' ? planMerge(request, target) : planReplaceWhere(request, target);
}

/** Rows that stay are moved to other files; where that could change them, the mode is no option. */
function refuseUnwritable({ table, metadata }: RowModeTarget): void {
  const why = metadata && whyNotRewritable(metadata);
  if (why === undefined) return;
  throw new ConfigError({
    code: 'TABLE_NOT_REWRITABLE',
    message: `${table}: rows of this table cannot be rewritten here: ${why}`,
    hint: 'use mode: append, or merge with the engine that made the table',
  });
}

function planMerge(request: WriteRequest, target: RowModeTarget): RowModePlan {
  const keys = (request.mergeKeys ?? identifierFields(target.metadata)).map((name) => plannedColumn(name, target, 'merge_keys'));
  if (keys.length === 0)
    throw new ConfigError({
      code: 'MERGE_KEYS',
      message: `${target.table}: mode merge needs the columns that tell rows apart, and the table names none`,
      hint: 'set merge_keys: [id]',
    });
  if (new Set(keys.map((k) => k.id)).size !== keys.length)
    throw new ConfigError({ code: 'MERGE_KEYS', message: `${target.table}: merge_keys names a column twice`, hint: 'name each key column once' });
  const order = (request.mergeOrderBy ?? []).map((by): MergeOrder => ({ ...by, column: plannedColumn(by.column, target, 'merge_order_by').name }));
  return {
    mergeKeys: keys.map((k) => k.name),
    ...(order.length > 0 ? { mergeOrderBy: order } : {}),
    refusals: keys.map((k): RowRefusal => ({ sql: `${quoteIdentifier(k.source)} IS NULL`, column: k.source, reason: 'NULL in a key column' })),
  };
}

/** The column of the load that fills a field of this name. */
function plannedColumn(name: string, { table, columns, fields }: RowModeTarget, key: string): PlannedColumn {
  const field = fields.find((f) => f.name.toLowerCase() === name.toLowerCase());
  const column = field && columns.find((c) => c.id === field.id);
  if (field && column && typeof field.type === 'string') return column;
  const problem = !field ? 'there is no such column' : column ? 'a nested column cannot be compared' : 'the input has no such column';
  throw new ConfigError({
    code: 'MERGE_KEYS',
    message: `${table}: ${key}: ${name}: ${problem}`,
    hint: `columns of the input: ${columns.map((c) => c.source).join(', ')}`,
  });
}

function identifierFields(metadata: TableMetadata | undefined): readonly string[] {
  if (!metadata) return [];
  const schema = currentSchema(metadata);
  return schema.fields.filter((f) => schema['identifier-field-ids']?.includes(f.id)).map((f) => f.name);
}

async function planReplaceWhere(request: WriteRequest, target: RowModeTarget): Promise<RowModePlan> {
  const text = request.replaceWhere ?? '';
  const used = await checkReplaceWhere(text, target.fields);
  if (used.length === 0) throw notByPartition(target, 'it names no column');
  const sources = new Set(target.partition.filter((f) => f.transform !== 'void').map((f) => f['source-id']));
  for (const name of used) {
    const field = target.fields.find((f) => f.name === name) as NestedField;
    if (sources.size > 0 && !sources.has(field.id)) throw notByPartition(target, `${name} is not a column that the table is partitioned by`);
    if (!target.columns.some((c) => c.id === field.id)) throw notByPartition(target, `the input has no column ${name}`);
  }
  const refusal: RowRefusal = {
    sql: `(${text}\n) IS NOT TRUE`,
    column: used.length === 1 ? (used[0] ?? null) : null,
    reason: 'outside replace_where',
  };
  return { replaceWhere: text, refusals: [refusal] };
}

function notByPartition({ table, fields, partition }: RowModeTarget, problem: string): ConfigError {
  const names = partition.map((p) => fields.find((f) => f.id === p['source-id'])?.name).filter((n) => n !== undefined);
  return new ConfigError({
    code: 'REPLACE_WHERE',
    message: `${table}: replace_where: ${problem}`,
    hint: names.length > 0 ? `use the columns that the table is partitioned by: ${[...new Set(names)].join(', ')}` : 'name a column of the input',
  });
}
