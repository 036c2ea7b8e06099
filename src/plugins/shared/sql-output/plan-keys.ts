import { ConfigError, quoteIdentifier, type ConfigPlace, type RowRefusal } from '../../../core/spi/index.js';
import type { PlannedTargetColumn } from './plan-columns.js';
import type { TableOutputConfig, WriteMode } from './schema.js';
import type { TargetTable } from './target-column.js';

export interface KeyPlan {
  /** Names in the table; empty unless the mode is merge. */
  readonly keys: readonly string[];
  readonly orderBy: readonly { readonly column: string; readonly descending: boolean }[];
  readonly refusals: readonly RowRefusal[];
}

/** The keys of a merge: the config's, else the table's primary key. */
export function planKeys(
  config: Pick<TableOutputConfig, 'keys' | 'merge_keys' | 'merge_order_by' | 'merge_rule' | 'delete_column'>,
  mode: WriteMode,
  columns: readonly PlannedTargetColumn[],
  table: TargetTable | undefined,
  place: ConfigPlace,
): KeyPlan {
  const problem = (key: string, code: string, message: string, hint: string): ConfigError =>
    new ConfigError({ code, message, hint, where: place.at(key) });
  if (mode !== 'merge') {
    const extra = (['keys', 'merge_keys', 'merge_order_by', 'merge_rule', 'delete_column'] as const).find((key) => config[key] !== undefined);
    if (extra !== undefined) throw problem(extra, 'MERGE_ONLY', `${extra}: only mode merge has a use for it`, 'set mode: merge, or remove it');
    return { keys: [], orderBy: [], refusals: [] };
  }
  if (config.keys && config.merge_keys) throw problem('merge_keys', 'MERGE_KEYS', 'expected keys or merge_keys, found both', 'keep keys');
  const wanted = config.keys ?? config.merge_keys ?? table?.primaryKey ?? [];
  if (wanted.length === 0)
    throw problem('keys', 'MERGE_KEYS', 'expected the keys of the merge, and the table has no primary key', 'set keys: [column, ...]');
  const find = (name: string, key: string): PlannedTargetColumn => {
    const found = columns.find(({ source, target }) => source.name === name || target.name === name);
    if (found) return found;
    throw problem(key, 'MERGE_KEYS', `${key}: the load has no column ${name}`, 'name columns as they are after the filters');
  };
  const keys = wanted.map((name) => find(name, 'keys'));
  const orderBy = (config.merge_order_by ?? []).map((text) => {
    const [, name = text, direction] = /^(.*?)(?:\s+(asc|desc))?$/i.exec(text) ?? [];
    return { column: find(name, 'merge_order_by').target.name, descending: direction?.toLowerCase() === 'desc' };
  });
  return {
    keys: keys.map(({ target }) => target.name),
    orderBy,
    refusals: keys.map(({ source }) => ({
      sql: `${quoteIdentifier(source.name)} IS NULL`,
      column: source.name,
      reason: 'NULL in a key of the merge',
    })),
  };
}
