import { quoteIdentifier, quoteLiteral, type FormatContext, type Schema } from '../../../core/spi/index.js';
import { textValues, type ColumnTextConfig, type TextValue } from './column-options.js';

/** SQL of one JSON object on one line; numbers keep all their digits, `json` columns their text. */
export function jsonRecordSql(config: ColumnTextConfig, schema: Schema, ctx: FormatContext): string {
  const parts = textValues(config, schema, ctx).flatMap((value, i) => [
    quoteLiteral(`${i === 0 ? '{' : ','}${JSON.stringify(value.column.name)}:`),
    `coalesce(${valueSql(value)}, 'null')`,
  ]);
  return `concat(${[...(parts.length === 0 ? ["'{'"] : parts), "'}'"].join(', ')})`;
}

function valueSql({ column, sql }: TextValue): string {
  const { type } = column;
  if (type === 'boolean' || type === 'long' || type.startsWith('decimal')) return sql;
  // JSON has no words for these numbers; as texts they are at least not lost.
  if (type === 'double') return `CASE WHEN isfinite(${quoteIdentifier(column.name)}) THEN ${sql} ELSE '"' || ${sql} || '"' END`;
  // Newlines can only stand between the tokens of a JSON text.
  if (type === 'json') return `translate(${sql}, chr(10) || chr(13), '  ')`;
  return `to_json(${sql})::VARCHAR`;
}
