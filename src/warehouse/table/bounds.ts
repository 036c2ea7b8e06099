import type { ColumnStats } from '../../core/duckdb/return-stats.js';
import { parseDuckText } from './duck-text.js';
import type { IcebergSchema, IcebergType, NestedField, PrimitiveType, Value } from './model.js';
import { encodeValue } from './single-value.js';

/** Iceberg's default `write.metadata.metrics.default` is truncate(16). */
const BOUND_CODE_POINTS = 16;

export interface ColumnMetrics {
  readonly columnSizes: ReadonlyMap<number, number>;
  readonly valueCounts: ReadonlyMap<number, number>;
  readonly nullValueCounts: ReadonlyMap<number, number>;
  readonly nanValueCounts: ReadonlyMap<number, number> | null;
  readonly lowerBounds: ReadonlyMap<number, Uint8Array>;
  readonly upperBounds: ReadonlyMap<number, Uint8Array>;
}

/** Leaf columns of a schema by DuckDB's quoted path. Leaves of lists and maps have no bounds (spec: not defined for them). */
export function leafColumns(
  schema: IcebergSchema,
): ReadonlyMap<string, { readonly id: number; readonly type: PrimitiveType; readonly bounded: boolean }> {
  const leaves = new Map<string, { id: number; type: PrimitiveType; bounded: boolean }>();
  const visit = (path: string, id: number, type: IcebergType, bounded: boolean): void => {
    if (typeof type === 'string') {
      leaves.set(path, { id, type, bounded });
      return;
    }
    switch (type.type) {
      case 'struct':
        for (const field of type.fields) visit(`${path}.${quotePath(field)}`, field.id, field.type, bounded);
        break;
      case 'list':
        visit(`${path}."element"`, type['element-id'], type.element, false);
        break;
      case 'map':
        visit(`${path}."key"`, type['key-id'], type.key, false);
        visit(`${path}."value"`, type['value-id'], type.value, false);
        break;
    }
  };
  for (const field of schema.fields) visit(quotePath(field), field.id, field.type, true);
  return leaves;
}

function quotePath(field: NestedField): string {
  return `"${field.name.replaceAll('"', '""')}"`;
}

/** A manifest's column metrics from DuckDB's statistics of one file. */
export function columnMetrics(leaves: ReturnType<typeof leafColumns>, columns: ReadonlyMap<string, ColumnStats>): ColumnMetrics {
  const columnSizes = new Map<number, number>();
  const valueCounts = new Map<number, number>();
  const nullValueCounts = new Map<number, number>();
  const nanValueCounts = new Map<number, number>();
  const lowerBounds = new Map<number, Uint8Array>();
  const upperBounds = new Map<number, Uint8Array>();
  for (const [path, stats] of columns) {
    const leaf = leaves.get(path);
    if (!leaf) continue;
    if (stats.columnSizeBytes !== undefined) columnSizes.set(leaf.id, stats.columnSizeBytes);
    if (stats.numValues !== undefined) valueCounts.set(leaf.id, stats.numValues);
    if (stats.nullCount !== undefined) nullValueCounts.set(leaf.id, stats.nullCount);
    // How many NaN there are is unknown when there are some: no count tells readers not to trust the bounds.
    if (stats.hasNan === false) nanValueCounts.set(leaf.id, 0);
    if (!leaf.bounded) continue;
    const lower = boundOf(leaf.type, stats.min, 'lower');
    const upper = boundOf(leaf.type, stats.max, 'upper');
    if (lower !== undefined) lowerBounds.set(leaf.id, lower);
    if (upper !== undefined) upperBounds.set(leaf.id, upper);
  }
  return { columnSizes, valueCounts, nullValueCounts, nanValueCounts: nanValueCounts.size > 0 ? nanValueCounts : null, lowerBounds, upperBounds };
}

/** The serialised bound for a statistics text; undefined where none may be written (NaN, infinity of dates, bytes). */
export function boundOf(type: PrimitiveType, text: string | undefined, side: 'lower' | 'upper'): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const value = parseDuckText(type, text);
  if (value === undefined) return undefined;
  const bound = looseBound(type, value, side);
  return bound === undefined ? undefined : encodeValue(type, bound);
}

function looseBound(type: PrimitiveType, value: Value, side: 'lower' | 'upper'): Value | undefined {
  // DuckDB gives -0.0 for {-0.0, 0.0} on both sides, and Iceberg orders -0.0 below 0.0.
  if ((type === 'double' || type === 'float') && value === 0) return side === 'lower' ? -0 : 0;
  if (type === 'string') return side === 'lower' ? cutLower(value as string) : cutUpper(value as string);
  return value;
}

export function cutLower(text: string): string {
  return Array.from(text).slice(0, BOUND_CODE_POINTS).join('');
}

/** The cut text with its last code point raised, so that it lies above all texts it stands for; undefined when none does. */
export function cutUpper(text: string): string | undefined {
  const points = Array.from(text);
  if (points.length <= BOUND_CODE_POINTS) return text;
  for (let i = BOUND_CODE_POINTS - 1; i >= 0; i--) {
    const raised = ((points[i] ?? '').codePointAt(0) ?? 0) + 1;
    const point = raised >= 0xd800 && raised <= 0xdfff ? 0xe000 : raised;
    if (point <= 0x10ffff) return points.slice(0, i).join('') + String.fromCodePoint(point);
  }
  return undefined;
}
