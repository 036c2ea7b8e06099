/** `1 row`, `2000 rows` */
export function rowCount(rows: number | bigint): string {
  return Number(rows) === 1 ? '1 row' : `${rows} rows`;
}
