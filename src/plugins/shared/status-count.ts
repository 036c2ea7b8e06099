import { quoteIdentifier, type SqlConnection, type StagedRelation } from '../../core/spi/index.js';

export type StatusCounts = { readonly [status: string]: number };

/** Where a relation does not say which statuses there can be: those of the first filters and the first reasons. */
const USUAL = { lowest: -8, highest: 24 } as const;
/** Counters are cheap, but not free. */
const MOST = 1000;
const REST = 'rest';

/**
 * Gives `work` a predicate that is true for rows of status 0 and counts all others on the way: sequences are the one thing
 * in DuckDB that a single ordered scan can both filter by and count with (3 million rows: 0.13 s). Rows of statuses
 * without a counter are told apart by a second scan.
 */
export async function withStatusCount(
  sql: SqlConnection,
  relation: StagedRelation,
  work: (keep: string) => Promise<number>,
): Promise<{ readonly rows: number; readonly statuses: StatusCounts }> {
  const status = quoteIdentifier(relation.statusColumn);
  const { lowest, highest } = relation.statuses ?? USUAL;
  const codes = Array.from({ length: Math.min(highest, MOST) - Math.max(lowest, -MOST) + 1 }, (_, i) => Math.max(lowest, -MOST) + i).filter(
    (code) => code !== 0,
  );
  const counters = new Map<string, number>([...codes.map((code): [string, number] => [counterOf(code), code]), [counterOf(REST), 0]]);
  await sql.run([...counters.keys()].map((name) => `CREATE OR REPLACE TEMP SEQUENCE ${quoteIdentifier(name)} START 1`).join('; '));
  const branches = codes.map((code) => `WHEN ${code} THEN nextval('${counterOf(code)}') < 0`).join(' ');
  const rows = await work(`CASE ${status} WHEN 0 THEN true ${branches} ELSE nextval('${counterOf(REST)}') < 0 END`);
  const found = await sql.rows(
    `SELECT sequence_name AS name, last_value AS n FROM duckdb_sequences() WHERE temporary AND last_value IS NOT NULL AND sequence_name LIKE '\\_\\_status\\_%' ESCAPE '\\'`,
  );
  const counts = new Map(found.map((row) => [String(row['name']), Number(row['n'])]));
  if (counts.has(counterOf(REST))) return { rows, statuses: await countAgain(sql, relation) };
  const statuses: Record<string, number> = {};
  for (const [name, n] of counts) statuses[String(counters.get(name))] = n;
  return { rows, statuses };
}

function counterOf(code: number | string): string {
  return `__status_${String(code).replace('-', 'm')}`;
}

async function countAgain(sql: SqlConnection, relation: StagedRelation): Promise<StatusCounts> {
  const status = quoteIdentifier(relation.statusColumn);
  const rows = await sql.rows(`SELECT ${status} AS status, count(*) AS n FROM (${relation.select}) WHERE ${status} <> 0 GROUP BY 1`);
  return Object.fromEntries(rows.map((row) => [String(row['status'] as number), Number(row['n'])]));
}
