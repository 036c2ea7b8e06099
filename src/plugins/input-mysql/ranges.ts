import type { MysqlTable } from '../shared/mysql/tables.js';
import type { TableFacts } from '../shared/sql/guess.js';
import type { MysqlInputConfig } from './config.js';

/** A table to be read in ranges of its key, over several connections on one snapshot. */
export interface RangePlan {
  readonly column: string;
  readonly readers: number;
  readonly schema: string;
  readonly table: string;
}

const DEFAULT_CONNECTIONS = 4;
/** Ranges for each reader: keys are rarely spread evenly, so a reader that is done takes the next one. */
const RANGES_PER_READER = 8;

/** Whether the table can be divided as the config asks. One reader more than the ranges holds the lock for a moment. */
export function chooseRanges(
  config: MysqlInputConfig,
  table: MysqlTable | undefined,
  facts: TableFacts | undefined,
): { readonly ranges?: RangePlan; readonly notes: readonly string[] } {
  const wanted = config.parallel_ranges ?? 1;
  if (wanted === 1) return { notes: [] };
  const one = (why: string): { notes: string[] } => ({ notes: [`parallel_ranges has no effect: ${why}`] });
  const readers = Math.min(wanted, (config.max_connections ?? DEFAULT_CONNECTIONS) - 1);
  if (readers < 2) return one('max_connections leaves room for one reader only');
  if (table?.kind !== 'table' || facts === undefined) return one('only a table has a key to divide');
  if (table.engine?.toLowerCase() !== 'innodb') return one(`${table.engine ?? 'its engine'} has no snapshots, InnoDB has`);
  if (config.select !== undefined) return one('with select the table is read as a query');
  if (config.order_by !== undefined) return one('order_by needs one reader');
  const [column] = facts.primaryKey;
  const key = facts.columns.find(({ name }) => name === column);
  if (facts.primaryKey.length !== 1 || column === undefined || !/^(tiny|small|medium|big)?int/i.test(key?.sqlType ?? '')) {
    return one('it needs a primary key of one integer column');
  }
  const ranges = { column, readers, schema: table.schema, table: table.name };
  return { ranges, notes: [`${readers} connections read ranges of ${column} at a time, over one snapshot where the rights allow it`] };
}

/** Conditions that divide `low` to `high` evenly; together they hold for every value, and each value meets one. */
export function rangeConditions(quotedColumn: string, low: bigint, high: bigint, readers: number): readonly string[] {
  const span = high - low + 1n;
  const count = span < BigInt(readers * RANGES_PER_READER) ? span : BigInt(readers * RANGES_PER_READER);
  if (count <= 1n) return [`${quotedColumn} IS NOT NULL`];
  const bounds: bigint[] = [];
  for (let i = 1n; i < count; i++) bounds.push(low + (span * i) / count);
  return [undefined, ...bounds].map((from, i) => {
    const to = bounds[i];
    return [...(from === undefined ? [] : [`${quotedColumn} >= ${from}`]), ...(to === undefined ? [] : [`${quotedColumn} < ${to}`])].join(' AND ');
  });
}
