import type { SqlDialect } from '../sql/dialect.js';
import type { KeyPlan } from './plan-keys.js';

export interface MergeStatements {
  /** Keys that stand more than once in the staged rows, at most five. */
  readonly duplicates: string;
  /** The staged rows that count: all, or the last of each key. */
  readonly source: string;
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
  rule: readonly string[] | undefined,
): MergeStatements {
  const q = (name: string): string => dialect.quoteIdentifier(name);
  const keyList = keys.keys.map(q).join(', ');
  const others = columns.filter((name) => !keys.keys.includes(name));
  const last = keys.orderBy.map(({ column, descending }) => `${q(column)} IS NULL, ${q(column)} ${descending ? 'ASC' : 'DESC'}`).join(', ');
  return {
    duplicates: `SELECT ${keyList} FROM ${staged} GROUP BY ${keyList} HAVING count(*) > 1 LIMIT 5`,
    source:
      keys.orderBy.length === 0
        ? staged
        : `(SELECT ${columns.map(q).join(', ')} FROM (SELECT ${columns.map(q).join(', ')}, row_number() OVER (PARTITION BY ${keyList} ORDER BY ${last}) AS ${q('sluice_rank')} FROM ${staged}) AS ranked WHERE ${q('sluice_rank')} = 1)`,
    on: keys.keys.map((name) => `T.${q(name)} = S.${q(name)}`).join(' AND '),
    assignments: rule ?? others.map((name) => `${q(name)} = S.${q(name)}`),
  };
}
