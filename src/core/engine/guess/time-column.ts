import { quoteLiteral, type GuessColumn, type SqlConnection } from '../../spi/index.js';
import { conversionSql } from '../typing/convert.js';
import { countValues, type GuessedType } from './column-types.js';

export interface TypedColumn {
  readonly column: GuessColumn;
  readonly guessed: GuessedType;
}

const LIKELY_NAME = /^(?:time|timestamp|datetime|date|day)$|_(?:at|on|time|date|timestamp|ts)$/;
const MANY_DAYS = 1000;

/** The column that looks like the event's time: by name first, then by type and position. */
export function chooseTimeColumn(columns: readonly TypedColumn[]): TypedColumn | undefined {
  const score = ({ column, guessed }: TypedColumn): number => {
    const instant = guessed.type === 'timestamp' || guessed.type === 'datetime';
    if (!instant && guessed.type !== 'date') return column.name === 'time' && guessed.type === 'long' ? 1 : 0;
    return (instant ? 4 : 2) + (column.name === 'time' ? 3 : LIKELY_NAME.test(column.name) ? 1 : 0);
  };
  let best: TypedColumn | undefined;
  for (const column of columns) if (score(column) > (best ? score(best) : 0)) best = column;
  return best;
}

/** Whole days between the first and the last value in the sample, and whether days would make too many partitions. */
export async function spansManyDays(time: TypedColumn, sql: SqlConnection): Promise<boolean> {
  const { type, format } = time.guessed;
  if (type === 'long') return false;
  const texts = quoteLiteral(JSON.stringify(countValues(time.column.values).map(([text]) => text)));
  const value = conversionSql('t', { type, ...(format === undefined ? {} : { text: { format } }) });
  const [row] = await sql.rows(
    `select cast(epoch(max(cast(v as timestamp))) - epoch(min(cast(v as timestamp))) as double) as seconds from (select ${value} as v from (select unnest(from_json(${texts}, '["VARCHAR"]')) as t))`,
  );
  return Number(row?.['seconds'] ?? 0) > MANY_DAYS * 86_400;
}
