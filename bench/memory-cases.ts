import { startS3 } from '../test/servers/s3.js';
import type { BenchCase } from './cases.js';
import { csvFile } from './data.js';
import { checkWritten, csvToDatabase, readPipeline, warehouseToDatabase } from './database-cases.js';
import { startBenchMysql, startBenchPostgres, type BenchServer } from './database-servers.js';
import type { Run } from './measure.js';
import { BenchProject, csvPipeline } from './project.js';
import { s3Pipeline } from './transfer-cases.js';

/** The lanes' peaks with `rows` and ten times as many rows; each lane is run once per size, whatever the rounds. */
async function growth(rows: number, lanes: (rows: number) => Promise<ReadonlyMap<string, Run>>): Promise<string[]> {
  const small = await lanes(rows);
  const large = await lanes(rows * 10);
  return [...large].map(([name, run]) => {
    const before = small.get(name) as Run;
    const [peak, was] = [run.peak / 1e6, before.peak / 1e6];
    return (
      `${name}: peak ${was.toFixed(0)} → ${peak.toFixed(0)} MB, ratio ${(peak / was).toFixed(2)}, bar ≤ 1.15 and ≤ 1000 MB; ` +
      `${before.wall.toFixed(1)} → ${run.wall.toFixed(1)} s`
    );
  });
}

/** CSV → database → warehouse → database: each lane's result is the next one's source. */
async function databaseLanes(kind: 'postgresql' | 'mariadb', server: BenchServer, rows: number): Promise<ReadonlyMap<string, Run>> {
  const runs = new Map<string, Run>();
  const project = new BenchProject();
  const run = async (name: string, yaml: string): Promise<void> => {
    const file = project.pipeline(`${runs.size}.yml`, yaml);
    runs.set(name, checkWritten(await project.sluice('run', file, '--json'), rows));
  };
  try {
    await server.empty();
    await run(`CSV → ${kind}`, csvToDatabase(kind, server, await csvFile(rows)));
    await run(`${kind} → warehouse`, readPipeline(kind, server));
    await server.empty();
    await run(`warehouse → ${kind}`, warehouseToDatabase(kind, server));
  } finally {
    project.remove();
  }
  return runs;
}

async function databaseMemory(kind: 'postgresql' | 'mariadb', rows: number): Promise<string[]> {
  const server = await (kind === 'postgresql' ? startBenchPostgres() : startBenchMysql(kind));
  try {
    return await growth(rows, (size) => databaseLanes(kind, server, size));
  } finally {
    await server.stop();
  }
}

async function fileLanes(rows: number): Promise<ReadonlyMap<string, Run>> {
  const file = await csvFile(rows);
  const server = await startS3();
  const project = new BenchProject();
  const run = async (yaml: string): Promise<Run> => checkWritten(await project.sluice('run', project.pipeline('load.yml', yaml), '--json'), rows);
  try {
    const runs = new Map([['CSV → warehouse', await run(csvPipeline(`paths: ["${file}"]`))]]);
    for (const format of ['parquet', 'csv']) {
      const out = `out: {type: file, path_prefix: out/${format}_, formatter: {type: ${format}}}`;
      runs.set(`warehouse → ${format} files`, await run(`in: {type: query, sql: "SELECT * FROM bench.rows"}\n${out}\n`));
    }
    project.reset();
    // The server takes one request for an object of at most 5 GB.
    runs.set('S3 CSV → warehouse', await run(await s3Pipeline(server, file)));
    return runs;
  } finally {
    project.remove();
    await server.stop();
  }
}

export const MEMORY_CASES: readonly BenchCase[] = [
  {
    name: 'memory-files',
    title: 'peak memory of files and S3, 2 M and 20 M rows',
    bar: '≤ 1 GB; ≤ 1.15',
    run: (_rounds, rows) => growth(rows, fileLanes),
  },
  {
    name: 'memory-postgresql',
    title: 'peak memory of the PostgreSQL lanes, 2 M and 20 M rows',
    bar: '≤ 1 GB; ≤ 1.15',
    run: (_rounds, rows) => databaseMemory('postgresql', rows),
  },
  {
    name: 'memory-mariadb',
    title: 'peak memory of the MySQL lanes on MariaDB, 2 M and 20 M rows',
    bar: '≤ 1 GB; ≤ 1.15',
    run: (_rounds, rows) => databaseMemory('mariadb', rows),
  },
];
