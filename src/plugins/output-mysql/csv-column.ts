import type { CsvColumn } from '../shared/sql-output/stage-csv.js';
import type { TargetColumn } from '../shared/sql-output/target-column.js';
import type { WrittenValue } from '../shared/sql-output/written-value.js';

/** The text that LOAD DATA stores as exactly this value; see {@link fieldExpression} for those that need SQL. */
export function csvColumn({ sql, type }: WrittenValue, { family }: TargetColumn): CsvColumn {
  switch (type) {
    case 'string':
    case 'json':
      return { sql, quoted: true };
    case 'binary':
      return { sql: `hex(${sql})`, quoted: true };
    case 'boolean':
      return { sql: family.kind === 'text' ? `${sql}::VARCHAR` : `${sql}::INTEGER`, quoted: false };
    case 'timestamp':
      // The same as by timezone(), which takes three times as long; it is left for infinities.
      return { sql: `coalesce(make_timestamp(epoch_us(${sql})), timezone('UTC', ${sql}))::VARCHAR`, quoted: false };
    case 'datetime':
      // A text with a time of day is cut with a note.
      return { sql: family.kind === 'date' ? `${sql}::DATE::VARCHAR` : sql, quoted: false };
    case 'date':
      return { sql: family.kind === 'timestamp' ? `${sql}::TIMESTAMP` : sql, quoted: false };
    case 'long':
      return { sql, quoted: false };
    default:
      return { sql: family.kind === 'integer' || family.kind === 'bits' ? `${sql}::HUGEINT` : sql, quoted: false };
  }
}

/** How a field becomes the column's value; undefined: as it stands. */
export function fieldExpression(field: string, { family }: TargetColumn): string | undefined {
  if (family.kind === 'bytes') return `UNHEX(${field})`;
  if (family.kind === 'bits') return `CAST(${field} AS UNSIGNED)`;
  return undefined;
}
