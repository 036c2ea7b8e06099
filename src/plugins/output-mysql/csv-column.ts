import type { SpoolColumn } from '../shared/sql-output/spool-lines.js';
import type { TargetColumn } from '../shared/sql-output/target-column.js';
import type { WrittenValue } from '../shared/sql-output/written-value.js';

/** The text that LOAD DATA stores as exactly this value; see {@link fieldExpression} for those that need SQL. */
export function spoolColumn({ sql, type }: WrittenValue, { family }: TargetColumn): SpoolColumn {
  switch (type) {
    case 'string':
    case 'json':
      return { sql, text: true };
    case 'binary':
      return { sql: `hex(${sql})`, text: true };
    case 'boolean':
      return { sql: family.kind === 'text' ? `${sql}::VARCHAR` : `${sql}::INTEGER`, text: false };
    case 'timestamp':
      // The same as by timezone(), which takes three times as long; it is left for infinities.
      return { sql: `coalesce(make_timestamp(epoch_us(${sql})), timezone('UTC', ${sql}))::VARCHAR`, text: false };
    case 'datetime':
      // A text with a time of day is cut with a note.
      return { sql: family.kind === 'date' ? `${sql}::DATE::VARCHAR` : sql, text: false };
    case 'date':
      return { sql: family.kind === 'timestamp' ? `${sql}::TIMESTAMP` : sql, text: false };
    case 'long':
      return { sql, text: false };
    default:
      return { sql: family.kind === 'integer' || family.kind === 'bits' ? `${sql}::HUGEINT` : sql, text: false };
  }
}

/** How a field becomes the column's value; undefined: as it stands. */
export function fieldExpression(field: string, { family }: TargetColumn): string | undefined {
  if (family.kind === 'bytes') return `UNHEX(${field})`;
  if (family.kind === 'bits') return `CAST(${field} AS UNSIGNED)`;
  return undefined;
}
