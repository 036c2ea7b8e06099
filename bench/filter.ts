import { readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { openDatabase } from '../src/core/duckdb/index.js';
import { openMetastore } from '../src/metastore/index.js';
import { openWarehouse } from '../src/warehouse/index.js';
import { systemClock } from '../src/cli/environment.js';
import { median } from './measure.js';
import type { BenchProject } from './project.js';

/** Loads 2,016 hours of one row a minute into a table partitioned by hour: 2,016 files. */
export async function loadHours(project: BenchProject): Promise<void> {
  const database = await openDatabase();
  const connection = await database.connect();
  await connection.run(
    `COPY (SELECT i AS id, strftime(TIMESTAMP '2024-01-01' + to_minutes(i), '%Y-%m-%d %H:%M:%S') AS at FROM range(${2016 * 60}) r(i)) TO '${join(project.folder, 'hours.csv')}' (HEADER)`,
  );
  connection.close();
  database.close();
  const config = project.pipeline(
    'hours.yml',
    `in: {type: file, paths: [hours.csv], parser: {type: csv, skip_header_lines: 1, columns: [{name: id, type: long}, {name: at, type: timestamp, format: "%Y-%m-%d %H:%M:%S"}]}}
out: {type: warehouse, table: bench.hours, time_column: at, partition_by: [hour(at)]}
`,
  );
  await project.sluice('run', config, '--json');
}

/** Milliseconds of a 6-hour filter beside opening its instance, and of bare DuckDB over just the kept files. */
export async function measureFilter(project: BenchProject, rounds: number): Promise<{ ours: number[]; bare: number[]; kept: number; total: number }> {
  const metastore = await openMetastore({ url: `sqlite:${join(project.folder, '.sluice', 'metastore.db')}` });
  const root = pathToFileURL(join(project.folder, '.sluice', 'warehouse')).href;
  const warehouse = openWarehouse({ metastore, root, clock: systemClock, log: { log: () => undefined } });
  const filter = `"at" >= TIMESTAMPTZ '2024-02-01 06:00:00+00' AND "at" < TIMESTAMPTZ '2024-02-01 12:00:00+00'`;
  const sql = `SELECT count(*) AS n, sum(id) AS s FROM bench.hours WHERE ${filter}`;
  const ours: number[] = [];
  let stats = { filesKept: 0, filesTotal: 0 };
  for (let i = 0; i < rounds + 2; i++) {
    const start = performance.now();
    const result = await warehouse.query(sql);
    for await (const chunk of result.chunks()) void chunk;
    const all = performance.now() - start;
    const { openMs, filesKept, filesTotal } = result.stats();
    stats = { filesKept, filesTotal };
    await result.close();
    // The first queries read the manifests and open the planner.
    if (i >= 2) ours.push(all - openMs);
  }
  const files = keptFiles(project);
  const database = await openDatabase();
  const connection = await database.connect();
  const bare: number[] = [];
  for (let i = 0; i < rounds + 2; i++) {
    const start = performance.now();
    await connection.rows(`SELECT count(*) AS n, sum(id) AS s FROM read_parquet([${files.map((f) => `'${f}'`).join(',')}]) WHERE ${filter}`);
    if (i >= 2) bare.push(performance.now() - start);
  }
  connection.close();
  database.close();
  await warehouse.closeSql();
  await metastore.close();
  return { ours, bare, kept: stats.filesKept, total: stats.filesTotal };
}

function keptFiles(project: BenchProject): string[] {
  const folder = join(project.folder, '.sluice', 'warehouse');
  const hours = Array.from({ length: 6 }, (_, i) => Math.floor(Date.UTC(2024, 1, 1, 6 + i) / 3_600_000));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.parquet') && hours.some((hour) => name.includes(`at_hour=${hour}/`)))
    .map((name) => join(folder, name));
}

export function describeFilter({ ours, bare, kept, total }: Awaited<ReturnType<typeof measureFilter>>): string[] {
  return [
    `kept ${kept} of ${total} files`,
    `sluice beside opening: ${median(ours).toFixed(1)} ms (${Math.min(...ours).toFixed(1)}-${Math.max(...ours).toFixed(1)}), bare: ${median(bare).toFixed(1)} ms, extra ${(median(ours) - median(bare)).toFixed(1)} ms`,
  ];
}
