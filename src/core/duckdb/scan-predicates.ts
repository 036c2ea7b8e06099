import type { DuckDBPreparedStatement } from '@duckdb/node-api';
import { throughGate } from './call-gate.js';
import type { DuckConnection } from './connection.js';
import { parsePlanFilters, stubTablesIn, type Predicate } from './plan-filters.js';

/** One scan of a stub table in the plan. */
export interface PlannedScan {
  readonly table: number;
  /** All of them hold for every row that the query needs from this scan; undefined: nothing is known. */
  readonly predicates: readonly Predicate[] | undefined;
}

/**
 * Plans `sql` over stub tables and reads which filters the optimiser pushed into each scan. The statement is only
 * explained, never run. The stubs must be views over two or more empty Parquet files (with fewer DuckDB knows that they
 * are empty and folds the scan away) whose columns are named by {@link stubColumn}; nothing else may scan Parquet.
 *
 * Returns undefined when some scan cannot be attributed: then every file of every table must be kept. A table without a
 * scan in the answer is not read by the plan at all.
 *
 * Leans on DuckDB 1.5–2.0's `EXPLAIN (FORMAT JSON)`: operator names, `extra_info.Filters` and `Projections`.
 */
export async function scanPredicates(
  connection: DuckConnection,
  sql: string,
  bind: (statement: DuckDBPreparedStatement) => void = () => undefined,
): Promise<readonly PlannedScan[] | undefined> {
  const text = await throughGate(async () => {
    const statement = await connection.native.prepare(`EXPLAIN (FORMAT JSON) ${sql}`);
    try {
      bind(statement);
      const rows = (await statement.runAndReadAll()).getRows();
      return rows.at(-1)?.at(-1);
    } finally {
      statement.destroySync();
    }
  });
  return typeof text === 'string' ? readScans(text) : undefined;
}

interface PlanNode {
  readonly name?: unknown;
  readonly children?: unknown;
  readonly extra_info?: Readonly<Record<string, unknown>>;
}

/** The scans of a JSON plan; exported for its contract test. */
export function readScans(json: string): readonly PlannedScan[] | undefined {
  let roots: unknown;
  try {
    roots = JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const scans: PlannedScan[] = [];
  const open: unknown[] = [roots];
  while (open.length > 0) {
    const next = open.pop();
    if (Array.isArray(next)) {
      open.push(...(next as unknown[]));
      continue;
    }
    if (typeof next !== 'object' || next === null) return undefined;
    const node = next as PlanNode;
    if (typeof node.name !== 'string') return undefined;
    if (node.name.trim() === 'READ_PARQUET' || node.name.trim() === 'PARQUET_SCAN') {
      const scan = readScan(node.extra_info ?? {});
      if (!scan) return undefined;
      scans.push(scan);
    }
    if (node.children !== undefined) open.push(node.children);
  }
  return scans;
}

function readScan(info: Readonly<Record<string, unknown>>): PlannedScan | undefined {
  const filters = textOrList(info['Filters']);
  const tables = stubTablesIn([...toList(filters), ...toList(textOrList(info['Projections']))].join('\n'));
  const [table] = tables;
  // count(*) without a filter names no column; a literal may look like a column of another stub.
  if (table === undefined || tables.size !== 1) return undefined;
  return { table, predicates: parsePlanFilters(filters) };
}

function textOrList(value: unknown): string | readonly string[] | undefined {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(String) : undefined;
}

function toList(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}
