import type { SqlValue } from '../spi/index.js';
import { BugError } from '../spi/index.js';

/** Statistics of one column of one file, as DuckDB's texts; a missing one is undefined. */
export interface ColumnStats {
  readonly columnSizeBytes: number | undefined;
  /** Values, nulls included. */
  readonly numValues: number | undefined;
  readonly nullCount: number | undefined;
  /** Never NaN; strings are cut at 256 bytes and stay valid bounds. */
  readonly min: string | undefined;
  readonly max: string | undefined;
  /** Only float columns know. */
  readonly hasNan: boolean | undefined;
}

/** One row of `COPY … (RETURN_STATS)`: one file that was written. */
export interface WrittenFile {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** By the column's path of quoted names, e.g. `"a"` or `"st"."x"`. */
  readonly columns: ReadonlyMap<string, ColumnStats>;
  /** Texts of the partition expressions by their names; null for NULL. */
  readonly partition: ReadonlyMap<string, string | null>;
}

/**
 * Reads the rows of `COPY … (FORMAT parquet, RETURN_STATS true)`. Reads by name, since DuckDB 2.0 adds keys; contract test:
 * test/warehouse/write/return-stats.test.ts.
 */
export function parseReturnStats(rows: readonly Record<string, SqlValue>[]): WrittenFile[] {
  return rows.map((row) => {
    const { filename, count, file_size_bytes: size } = row;
    if (typeof filename !== 'string' || count === undefined || size === undefined) {
      throw new BugError({
        code: 'RETURN_STATS',
        message: `COPY returned columns ${Object.keys(row).join(', ')}; expected filename, count, file_size_bytes and more`,
      });
    }
    return {
      path: filename,
      rows: Number(count),
      bytes: Number(size),
      columns: new Map(pairs(row['column_statistics']).map(([name, stats]) => [name, columnStats(stats)])),
      partition: new Map(pairs(row['partition_keys']).map(([name, value]) => [name, value === null ? null : String(value as string)])),
    };
  });
}

function pairs(map: SqlValue | undefined): (readonly [string, SqlValue])[] {
  if (!Array.isArray(map)) return [];
  return map.map((entry) => {
    const { key, value } = entry as { key: SqlValue; value: SqlValue };
    return [String(key as string), value] as const;
  });
}

function columnStats(stats: SqlValue): ColumnStats {
  const texts = new Map(pairs(stats).map(([name, value]) => [name, value === null ? undefined : String(value as string)]));
  const count = (name: string): number | undefined => {
    const text = texts.get(name);
    return text === undefined ? undefined : Number(text);
  };
  const nan = texts.get('has_nan');
  return {
    columnSizeBytes: count('column_size_bytes'),
    numValues: count('num_values'),
    nullCount: count('null_count'),
    min: texts.get('min'),
    max: texts.get('max'),
    hasNan: nan === undefined ? undefined : nan === 'true',
  };
}
