import {
  BugError,
  ConfigError,
  quoteIdentifier,
  quoteLiteral,
  type ColumnType,
  type FilterCast,
  type FilterColumn,
  type Schema,
} from '../../spi/index.js';
import { castProblem, castSql } from './cast.js';
import { conversionSql, describeFailure } from './convert.js';

export interface ResolvedColumn {
  readonly sql: string;
  readonly rejectNullWhen?: string;
  readonly reason?: string;
}

/** Turns a filter's column into SQL over its input; `cast` becomes the strict conversion and its reject rule. */
export function resolveFilterColumn(column: FilterColumn, input: Schema): ResolvedColumn {
  if (column.cast !== undefined) return resolveCast(column, column.cast, input);
  if (column.sql === undefined) throw new BugError({ code: 'FILTER_COLUMN', message: `filter column "${column.name}" has neither sql nor cast` });
  return {
    sql: column.sql,
    ...(column.rejectNullWhen === undefined ? {} : { rejectNullWhen: column.rejectNullWhen }),
    ...(column.reason === undefined ? {} : { reason: column.reason }),
  };
}

function resolveCast(column: FilterColumn, cast: FilterCast, input: Schema): ResolvedColumn {
  const from = sourceOf(column, cast, input);
  const value = castFrom(column, cast, from);
  // The default is a constant: DuckDB folds its conversion.
  const whenNull =
    cast.whenNull === undefined
      ? undefined
      : conversionSql(`${quoteLiteral(cast.whenNull)}::varchar`, { type: cast.to, ...(cast.text === undefined ? {} : { text: cast.text }) });
  const sql = whenNull === undefined ? value : `case when ${from.origin} is null then ${whenNull} else ${value} end`;
  const infallible = from.type === cast.to && from.ref === from.origin && whenNull === undefined;
  if (infallible) return { sql };
  const reason =
    column.reason ??
    (from.type === 'string'
      ? describeFailure({ type: cast.to, ...(cast.text === undefined ? {} : { text: cast.text }) })
      : `this ${from.type} is no ${cast.to}`);
  return { sql, rejectNullWhen: whenNull === undefined ? `${from.origin} is not null` : 'true', reason };
}

interface CastSource {
  readonly ref: string;
  readonly type: ColumnType;
  /** What must be NULL for the result to be NULL. */
  readonly origin: string;
}

function castFrom(column: FilterColumn, cast: FilterCast, from: CastSource): string {
  const problem = castProblem(from.type, cast.to, cast.text);
  if (problem !== undefined)
    throw new ConfigError({
      code: 'CAST_INVALID',
      message: `column "${column.name}": ${problem}`,
      hint: 'docs/reference/types.md lists the casts there are',
    });
  return castSql(from.ref, from.type, cast.to, cast.text);
}

function sourceOf(column: FilterColumn, { from }: FilterCast, input: Schema): CastSource {
  if (typeof from === 'object') {
    if ('sql' in from) return { ref: `(${from.sql})`, type: from.type, origin: `(${from.sql})` };
    const inner = sourceOf(column, from, input);
    return { ref: `(${castFrom(column, from, inner)})`, type: from.to, origin: inner.origin };
  }
  const found = input.find((c) => c.name === from);
  if (found === undefined)
    throw new BugError({ code: 'FILTER_COLUMN', message: `filter column "${column.name}" is cast from "${from}", which its input does not have` });
  const ref = quoteIdentifier(found.name);
  return { ref, type: found.type, origin: ref };
}
