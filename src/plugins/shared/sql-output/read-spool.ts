import { duckdbType, quoteIdentifier, quoteLiteral, quotePaths, type Column, type ColumnType } from '../../../core/spi/index.js';
import { unescapedSql, type SpoolForm } from './spool-lines.js';

/** The rows of spools as a FROM clause of DuckDB, for checks of a load; binary columns are the text that is sent. */
export function readSpool(files: readonly string[], columns: readonly Column[], hasMark: boolean, form: SpoolForm): string {
  const select = columns.map(({ name, type }, i) => `${valueOf(`c${i}`, type, form)} AS ${quoteIdentifier(name)}`).join(', ');
  if (files.length === 0) return `(SELECT ${columns.map(({ name }) => `NULL AS ${quoteIdentifier(name)}`).join(', ')} LIMIT 0) AS staged`;
  const fields = Array.from({ length: columns.length + (hasMark ? 1 : 0) }, (_, i) => `'c${i}': 'VARCHAR'`).join(', ');
  const dialect = form.kind === 'csv' ? `delim = ',', quote = '"', escape = '"'` : `delim = '\\t', quote = '', escape = ''`;
  return (
    `(SELECT ${select} FROM read_csv(${quotePaths(files)}, auto_detect = false, header = false, ${dialect}, ` +
    `new_line = '\\n', nullstr = ${quoteLiteral(form.nullText)}, allow_quoted_nulls = false, hive_partitioning = false, columns = {${fields}})) AS staged`
  );
}

function valueOf(field: string, type: ColumnType, { kind }: SpoolForm): string {
  switch (type) {
    // Era and zone are spelled as the target wants them; what DuckDB does not read so counts as unknown.
    case 'date':
    case 'timestamp':
    case 'datetime':
      return `TRY_CAST(${field} AS ${duckdbType(type)})`;
    case 'string':
    case 'json':
    case 'binary':
      return kind === 'csv' ? field : unescapedSql(field);
    default:
      return `CAST(${field} AS ${duckdbType(type)})`;
  }
}
