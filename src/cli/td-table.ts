/** Widths of Treasure Data's own listing, which scripts cut by columns. */
const LEAST_WIDTHS = [10, 10, 4, 9];
const HEADS = ['Database', 'Table', 'Type', 'Count'];

/** Treasure Data's listing of tables; each row is `[database, table, count]`. */
export function formatTdTables(tables: readonly (readonly [database: string, table: string, count: number])[]): string {
  const rows = tables.map(([database, table, count]) => [database, table, 'log', String(count)]);
  const widths = LEAST_WIDTHS.map((least, i) => Math.max(least, ...[HEADS, ...rows].map((row) => (row[i] ?? '').length)));
  const border = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const line = (cells: readonly string[]): string => `|${cells.map((cell, i) => ` ${cell.padEnd(widths[i] ?? 0)} `).join('|')}|`;
  const body = rows.length === 0 ? [] : [border, line(HEADS), border, ...rows.map(line), border];
  return [...body, `${rows.length} ${rows.length === 1 ? 'row' : 'rows'} in set`].join('\n');
}
