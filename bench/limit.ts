/** What the limits run: a Node process with bare DuckDB and one plainly typed COPY. Text of `node -e`. */
export function bareCopy(input: string, select: string, folder: string): string[] {
  const sql =
    `COPY (SELECT ${select}, date_trunc('day', created_at)::DATE AS d FROM ${input}) TO '${folder}' ` +
    `(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, PARQUET_VERSION v1, ROW_GROUP_SIZE 61440, PARTITION_BY (d), WRITE_PARTITION_COLUMNS false, OVERWRITE_OR_IGNORE)`;
  return bareSql(sql);
}

export function bareSql(sql: string, print = false): string[] {
  const script = `
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const connection = await (await DuckDBInstance.create()).connect();
    await connection.run("SET TimeZone = 'UTC'");
    const reader = await connection.runAndReadAll(${JSON.stringify(sql)});
    ${print ? 'console.log(JSON.stringify(reader.getRowsJson()));' : ''}`;
  return ['--input-type=module', '-e', script];
}
