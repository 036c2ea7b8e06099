import { decimalOf, duckdbType, type SourceColumn } from '../../core/spi/index.js';
import type { SpooledColumn } from '../shared/sql/spooled-reading.js';

/** The years 1 to 9999; infinities lie outside. */
const FIRST = "TIMESTAMP '0001-01-01'";
const END = "TIMESTAMP '10000-01-01'";
const OUTSIDE = "error('outside of the years 1 to 9999')";

/**
 * How DuckDB reads a column from the spool. `exact`: the field is the server's own text of the type, so that only what DuckDB holds and
 * Sluice does not has to be kept out: years BC (a word behind the date, which DuckDB overlooks in dates), years beyond 9999, infinities.
 */
export function spooledColumn(column: SourceColumn, exact: boolean): SpooledColumn {
  const { name, type, text = {} } = column;
  const strict: SpooledColumn = { name, type, csvType: 'VARCHAR', text, strict: true };
  if (!exact) return strict;
  switch (type) {
    case 'boolean':
    case 'long':
    case 'double':
    case 'string':
      return { name, type, csvType: duckdbType(type), text };
    case 'date':
      return { name, type, csvType: 'VARCHAR', text, convert: (field) => bounded(field, `strlen(${field}) = 10`, `CAST(${field} AS DATE)`) };
    case 'datetime':
      return { name, type, csvType: 'TIMESTAMP', text, convert: (field) => bounded(field, inYears(field), field) };
    case 'timestamp':
      // The server gives it in UTC without saying so; read as a timestamp with zone it would be in DuckDB's.
      return { name, type, csvType: 'TIMESTAMP', text, convert: (field) => bounded(field, inYears(field), `make_timestamptz(epoch_us(${field}))`) };
    case 'binary':
      return { name, type, csvType: 'VARCHAR', text, convert: (field) => `unhex(${field})` };
    default:
      return decimalOf(type) === undefined ? strict : { name, type, csvType: duckdbType(type), text };
  }
}

function inYears(field: string): string {
  return `${field} >= ${FIRST} AND ${field} < ${END}`;
}

function bounded(field: string, condition: string, value: string): string {
  return `CASE WHEN ${condition} THEN ${value} WHEN ${field} IS NOT NULL THEN ${OUTSIDE} END`;
}
