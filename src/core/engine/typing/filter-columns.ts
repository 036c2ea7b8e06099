import { BugError, ConfigError, quoteIdentifier, type FilterColumn, type Schema } from '../../spi/index.js';
import { castProblem, castSql } from './cast.js';
import { describeFailure } from './convert.js';

export interface ResolvedColumn {
  readonly sql: string;
  readonly rejectNullWhen?: string;
  readonly reason?: string;
}

/** Turns a filter's column into SQL over its input; `cast` becomes the strict conversion and its reject rule. */
export function resolveFilterColumn(column: FilterColumn, input: Schema): ResolvedColumn {
  const { cast } = column;
  if (cast === undefined) {
    if (column.sql === undefined) throw new BugError({ code: 'FILTER_COLUMN', message: `filter column "${column.name}" has neither sql nor cast` });
    return {
      sql: column.sql,
      ...(column.rejectNullWhen === undefined ? {} : { rejectNullWhen: column.rejectNullWhen }),
      ...(column.reason === undefined ? {} : { reason: column.reason }),
    };
  }
  const from = sourceOf(column, input);
  const problem = castProblem(from.type, cast.to, cast.text);
  if (problem !== undefined) throw new ConfigError({ code: 'CAST_INVALID', message: `column "${column.name}": ${problem}`, hint: 'see docs/reference/types.md for the casts there are' });
  const value = castSql(from.ref, from.type, cast.to, cast.text);
  const sql = cast.whenNull === undefined ? value : `case when ${from.ref} is null then ${cast.whenNull} else ${value} end`;
  // A cast between equal types cannot fail, so it needs no status check.
  if (from.type === cast.to) return { sql };
  const reason = column.reason ?? (from.type === 'string' ? describeFailure({ type: cast.to, ...(cast.text === undefined ? {} : { text: cast.text }) }) : `this ${from.type} is no ${cast.to}`);
  return { sql, rejectNullWhen: `${from.ref} is not null`, reason };
}

function sourceOf(column: FilterColumn, input: Schema): { ref: string; type: FilterColumn['type'] } {
  const from = column.cast?.from;
  if (typeof from === 'object') return { ref: `(${from.sql})`, type: from.type };
  const found = input.find((c) => c.name === from);
  if (found === undefined) throw new BugError({ code: 'FILTER_COLUMN', message: `filter column "${column.name}" is cast from "${String(from)}", which its input does not have` });
  return { ref: quoteIdentifier(found.name), type: found.type };
}
