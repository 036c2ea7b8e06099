import type { SqlDialect } from '../sql/dialect.js';
import type { KeyPlan } from './plan-keys.js';

/** Column of the staging table that marks rows to delete: 1, else 0. */
export const DELETE_MARK = 'sluice_delete';

export interface MergeStatements {
  /** Keys that stand more than once in the staged rows, at most five. */
  readonly duplicates: string;
  /** The staged rows that are written: all, or the last of each key. */
  readonly source: string;
  /** The staged rows whose keys are deleted; undefined: the load deletes nothing. */
  readonly gone: string | undefined;
  /** Condition that joins T and S by the keys. */
  readonly on: string;
  /** Assignments for rows that exist, without the table's alias on the left; empty: nothing to update. */
  readonly assignments: readonly string[];
}

/** Pieces of a merge of `staged` rows (S) into a table (T), in words that all products share. */
export function mergeStatements(
  dialect: SqlDialect,
  staged: string,
  columns: readonly string[],
  keys: KeyPlan,
  options: { readonly rule: readonly string[] | undefined; readonly deletes: boolean },
): MergeStatements {
  const q = (name: string): string => dialect.quoteIdentifier(name);
  const keyList = keys.keys.map(q).join(', ');
  const others = columns.filter((name) => !keys.keys.includes(name));
  const last = keys.orderBy.map(({ column, descending }) => `${q(column)} IS NULL, ${q(column)} ${descending ? 'ASC' : 'DESC'}`).join(', ');
  const list = [...columns, ...(options.deletes ? [DELETE_MARK] : [])].map(q).join(', ');
  const ranked = `SELECT ${list}, row_number() OVER (PARTITION BY ${keyList} ORDER BY ${last}) AS ${q('sluice_rank')} FROM ${staged}`;
  const picked = keys.orderBy.length === 0 ? undefined : `${q('sluice_rank')} = 1`;
  const pick = (more?: string): string => {
    const conditions = [picked, more].filter((condition) => condition !== undefined);
    if (conditions.length === 0) return staged;
    return `(SELECT ${list} FROM ${picked === undefined ? staged : `(${ranked}) AS ranked`} WHERE ${conditions.join(' AND ')})`;
  };
  return {
    duplicates: `SELECT ${keyList} FROM ${staged} GROUP BY ${keyList} HAVING count(*) > 1 LIMIT 5`,
    source: pick(options.deletes ? `${q(DELETE_MARK)} = 0` : undefined),
    gone: options.deletes ? pick(`${q(DELETE_MARK)} = 1`) : undefined,
    on: keys.keys.map((name) => `T.${q(name)} = S.${q(name)}`).join(' AND '),
    assignments: options.rule ?? others.map((name) => `${q(name)} = S.${q(name)}`),
  };
}
