import { join } from 'node:path';
import { scanPredicates } from '../../core/duckdb/scan-predicates.js';
import { quoteIdentifier, quoteLiteral } from '../../core/spi/index.js';
import { compileFilter, type FileFilter, type TypedPredicate } from '../query/file-filter.js';
import { orderValues } from '../query/literal-values.js';
import { planFiles, type FilePlan } from '../query/plan-files.js';
import { stubFileSql, stubScanSql } from '../query/scan-sql.js';
import type { Workshop } from '../query/sql-parts.js';
import { currentSchema, currentSnapshot, defaultSpec, type DataFile, type NestedField, type TableMetadata, type Value } from '../table/model.js';
import { decodeValue } from '../table/single-value.js';
import type { TableReader } from '../table/table-reader.js';
import { fixedLength } from '../table/types.js';

/** Says which rows of a table go. */
export interface RowCondition {
  /** The files of the current snapshot that may hold such rows. */
  candidates(reader: TableReader, table: TableMetadata, shop: Workshop): Promise<FilePlan>;
  /** FROM and WHERE that give the rows of `rows` (SQL in parentheses) that go; they are named `t`. */
  matching(rows: string): string;
  /** The others. */
  remaining(rows: string): string;
}

/** Rows for which a predicate is true. */
export function predicateCondition(predicate: string): RowCondition {
  return {
    async candidates(reader, table, shop) {
      const schema = currentSchema(table);
      return planFiles(reader, table, currentSnapshot(table), schema, await predicateFilters(predicate, table, shop));
    },
    matching: (rows) => `${rows} t WHERE (${predicate}\n)`,
    remaining: (rows) => `${rows} t WHERE (${predicate}\n) IS NOT TRUE`,
  };
}

const STUB = 1;

/** What the optimiser makes of the predicate over an empty stand-in for the table. */
async function predicateFilters(predicate: string, table: TableMetadata, shop: Workshop): Promise<readonly FileFilter[]> {
  const schema = currentSchema(table);
  const files = [0, 1].map((i) => join(shop.folder, `stub.${i}.parquet`));
  for (const file of files) await shop.sql.run(`COPY (${stubFileSql(STUB, schema)}) TO ${quoteLiteral(file)} (FORMAT parquet)`);
  const scans = await scanPredicates(shop.sql, `SELECT * FROM (${stubScanSql(STUB, schema, files)}) t WHERE (${predicate}\n)`);
  const types = new Map(schema.fields.flatMap((f) => (typeof f.type === 'string' ? [[f.id, f.type] as const] : [])));
  return scans ? scans.map((s) => s.predicates && compileFilter(s.predicates, (field) => types.get(field))) : [undefined];
}

/** Filters are tried for every file of the table, so ranges of many staged files are joined. */
const MOST_FILTERS = 64;

/** Rows whose keys are among those of `staged`; `keys` is a relation (SQL name) of them. */
export function keyCondition(names: readonly string[], staged: readonly DataFile[], keys: string): RowCondition {
  const on = names.map((name) => `k.${quoteIdentifier(name)} = t.${quoteIdentifier(name)}`).join(' AND ');
  return {
    async candidates(reader, table) {
      const schema = currentSchema(table);
      const fields = names.map((name) => schema.fields.find((f) => f.name === name) as NestedField);
      const plan = await planFiles(reader, table, currentSnapshot(table), schema, keyFilters(fields, staged));
      const fits = samePartition(table, fields, staged);
      return { ...plan, data: plan.data.filter((entry) => fits(entry.file)) };
    },
    matching: (rows) => `${rows} t SEMI JOIN ${keys} k ON ${on}`,
    remaining: (rows) => `${rows} t ANTI JOIN ${keys} k ON ${on}`,
  };
}

interface KeyRange {
  readonly lower: Value | undefined;
  readonly upper: Value | undefined;
}

/** One filter for each staged file, or for several: rows with its keys lie within its bounds. */
function keyFilters(keys: readonly NestedField[], staged: readonly DataFile[]): readonly FileFilter[] {
  const size = Math.ceil(staged.length / MOST_FILTERS);
  const filters: FileFilter[] = [];
  for (let i = 0; i < staged.length; i += size) {
    const group = staged.slice(i, i + size);
    const items = keys.flatMap((key) => rangeItems(key.id, joinRanges(group.map((file) => keyRange(key, file)))));
    filters.push(items.length === 0 ? undefined : { kind: 'and', items });
  }
  return filters;
}

function rangeItems(field: number, { lower, upper }: KeyRange): readonly TypedPredicate[] {
  return [
    ...(lower === undefined ? [] : [{ kind: 'compare', field, op: '>=', value: lower } as const]),
    ...(upper === undefined ? [] : [{ kind: 'compare', field, op: '<=', value: upper } as const]),
  ];
}

/** Undefined where the order of bounds is not that of the values, or leaves NaN out. */
function keyRange(key: NestedField, file: DataFile): KeyRange {
  const type = typeof key.type === 'string' ? key.type : '';
  const unordered = ['float', 'double', 'uuid', 'binary', ''].includes(type) || fixedLength(type) !== undefined;
  const bound = (bytes: Uint8Array | undefined): Value | undefined => (bytes === undefined || unordered ? undefined : decodeValue(type, bytes));
  return { lower: bound(file.lowerBounds?.get(key.id)), upper: bound(file.upperBounds?.get(key.id)) };
}

function joinRanges(ranges: readonly KeyRange[]): KeyRange {
  const [first, ...rest] = ranges;
  return rest.reduce<KeyRange>(
    (all, next) => ({
      lower: all.lower === undefined || next.lower === undefined ? undefined : orderValues(all.lower, next.lower) <= 0 ? all.lower : next.lower,
      upper: all.upper === undefined || next.upper === undefined ? undefined : orderValues(all.upper, next.upper) >= 0 ? all.upper : next.upper,
    }),
    first ?? { lower: undefined, upper: undefined },
  );
}

/** Rows with equal keys have equal partition values where the partition is made of keys; this alone prunes by buckets. */
function samePartition(table: TableMetadata, keys: readonly NestedField[], staged: readonly DataFile[]): (file: DataFile) => boolean {
  const spec = defaultSpec(table);
  const ids = new Set(keys.map((k) => k.id));
  const fields = spec.fields.filter((f) => ids.has(f['source-id']) && f.transform !== 'void').map((f) => f['field-id']);
  const textOf = (file: DataFile): string => JSON.stringify(fields.map((id) => String(file.partition.get(id) ?? null)));
  const known = new Set(staged.map(textOf));
  return (file) => fields.length === 0 || file.specId !== spec['spec-id'] || known.has(textOf(file));
}
