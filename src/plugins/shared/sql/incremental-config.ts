import { ConfigError, type ConfigPlace } from '../../../core/spi/index.js';

export interface IncrementalConfig {
  readonly incremental?: boolean;
  readonly incremental_columns?: readonly string[];
  readonly last_record?: readonly (string | number | boolean)[];
  readonly lag?: string | number;
  readonly primary_key?: readonly string[];
  readonly max_overlap_rows?: number;
  readonly order_by?: string;
}

/** Names of the cursor's columns; undefined: a whole read. `incremental: true` alone means the primary key, as in Embulk. */
export function cursorColumns(
  config: IncrementalConfig,
  primaryKey: readonly string[],
  source: string,
  place: ConfigPlace,
): readonly string[] | undefined {
  const on = config.incremental === true || (config.incremental_columns !== undefined && config.incremental !== false);
  const problem = (key: string, message: string, hint: string): ConfigError =>
    new ConfigError({ code: 'SQL_INCREMENTAL', message: `in: ${message}`, hint, where: place.at(key) });
  if (!on) {
    const lone = (['lag', 'primary_key', 'last_record'] as const).find((key) => config[key] !== undefined);
    if (config.incremental === undefined && lone !== undefined)
      throw problem(lone, `${lone} only has a meaning with incremental_columns`, 'name the columns, or remove it');
    return undefined;
  }
  if (config.order_by !== undefined) {
    throw problem('order_by', 'order_by does not go together with incremental reading', 'remove order_by: a load does not need one');
  }
  const columns = config.incremental_columns ?? primaryKey;
  if (columns.length === 0) {
    throw problem(
      'incremental',
      `${source} has no primary key, so incremental_columns must be given`,
      'name columns that only grow, e.g. [updated_at, id]',
    );
  }
  return columns;
}
