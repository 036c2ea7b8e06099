import { ConfigError, type InputPlanContext } from '../../../core/spi/index.js';
import { configProblem } from '../config-problem.js';
import { readCursorState } from './cursor-state.js';
import type { CursorColumn, SqlDialect } from './dialect.js';
import { cursorColumns, type IncrementalConfig } from './incremental-config.js';
import { readLag } from './lag.js';
import { planCursor, type CursorPlan, type CursorRequest } from './plan-cursor.js';
import { fillPlaceholders } from './query-placeholders.js';
import type { SqlSource } from './select.js';

export interface PlaceholderConfig extends IncrementalConfig {
  readonly query?: string;
  readonly use_raw_query_with_incremental?: boolean;
}

/**
 * Embulk's queries with placeholders: the last values stand in them as untyped literals, which take the type of their
 * place. Any other config is returned as it is.
 */
export function fillQuery<C extends PlaceholderConfig>(config: C, dialect: SqlDialect, ctx: InputPlanContext): C {
  if (config.use_raw_query_with_incremental !== true || config.query === undefined) return config;
  const { place } = ctx;
  const columns = cursorColumns(config, [], 'query', place) ?? [];
  const last = readCursorState(ctx.useState ? ctx.state : undefined, columns, config.last_record, place)?.last;
  if (last === undefined) {
    throw configProblem(place, 'last_record', {
      code: 'SQL_LAST_RECORD',
      message: 'a query with placeholders needs values to begin with, found none',
      hint: 'give last_record: one value for each of incremental_columns',
    });
  }
  const values = new Map(columns.map((name, i) => [name, dialect.quoteLiteral(last[i] ?? '')]));
  return { ...config, query: fillPlaceholders(config.query, (name) => values.get(name)).sql };
}

export interface IncrementalRequest {
  readonly config: IncrementalConfig;
  readonly dialect: SqlDialect;
  readonly source: SqlSource;
  /** All columns of the source. */
  readonly columns: readonly CursorColumn[];
  readonly primaryKey: readonly string[];
  readonly texts: CursorRequest['texts'];
}

/** What an incremental read has to look at, from config and state; undefined: everything. */
export async function planIncremental(request: IncrementalRequest, ctx: InputPlanContext): Promise<CursorPlan | undefined> {
  const { config, dialect, source } = request;
  const { place } = ctx;
  const names = cursorColumns(config, request.primaryKey, source.name, place);
  if (names === undefined) return undefined;
  const columnOf =
    (key: string) =>
    (name: string): CursorColumn => {
      const column = request.columns.find((other) => other.name === name);
      if (column !== undefined) return column;
      throw new ConfigError({
        code: 'COLUMN_UNKNOWN',
        message: `in.${key}: ${source.name} has no column ${JSON.stringify(name)}`,
        hint: `columns: ${request.columns.map((other) => other.name).join(', ')}`,
        where: place.at(key),
      });
    };
  const columns = names.map(columnOf('incremental_columns'));
  return planCursor({
    dialect,
    source,
    columns,
    key: config.lag === undefined ? [] : (config.primary_key ?? []).map(columnOf('primary_key')),
    lag: readLag(config.lag, columns[0] as CursorColumn, place),
    maxOverlapRows: config.max_overlap_rows ?? 10_000,
    last: ctx.useState ? readCursorState(ctx.state, names, config.last_record, place) : undefined,
    place,
    texts: request.texts,
  });
}
