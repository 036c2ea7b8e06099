import { quoteIdentifier, type SqlConnection } from '../../core/spi/index.js';

/** What DuckDB's `store_rejects` tables say about the last scan that filled them; a probe of the first rows may have gone before. */
export interface RejectSummary {
  /** Rejected records; DuckDB stores one entry per missing column. */
  readonly lines: number;
  /** After these errors DuckDB goes on inside the line and may deliver garbage as a good row. */
  readonly unreliable: boolean;
  /** Values that are none of their column's type. */
  readonly unconverted: boolean;
}

/**
 * Reads the reject table of a scan, which must have run on this same connection: the tables are temporary.
 * Contract (column names, error types): test/plugins/parser-csv/duckdb-rejects.test.ts.
 */
export async function readRejectSummary(sql: SqlConnection, table: string): Promise<RejectSummary> {
  const name = quoteIdentifier(table);
  const [row] = await sql.rows(
    `SELECT count(DISTINCT (file_id, line)) AS lines,
            count(*) FILTER (error_type::VARCHAR = 'CAST') AS unconverted,
            count(*) FILTER (error_type::VARCHAR NOT IN ('MISSING COLUMNS', 'TOO MANY COLUMNS', 'INVALID ENCODING', 'CAST')) AS unreliable
     FROM ${name} WHERE scan_id = (SELECT max(scan_id) FROM ${name})`,
  );
  const count = (of: string): number => Number(row?.[of] ?? 0);
  return { lines: count('lines'), unreliable: count('unreliable') > 0, unconverted: count('unconverted') > 0 };
}

export async function dropRejects(sql: SqlConnection, tables: readonly string[]): Promise<void> {
  for (const table of tables) await sql.run(`DROP TABLE IF EXISTS ${quoteIdentifier(table)}`);
}
