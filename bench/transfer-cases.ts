import { cpSync, createReadStream, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startS3, type S3Server } from '../test/servers/s3.js';
import type { BenchCase } from './cases.js';
import { csvFile, csvOfNumbers } from './data.js';
import { checkWritten, csvToDatabase, verdict } from './database-cases.js';
import { startBenchPostgres, TABLE } from './database-servers.js';
import { describe, median, type Run } from './measure.js';
import { interleave } from './program.js';
import { BenchProject, columnsYaml, csvPipeline } from './project.js';

const SECRET = 'SLUICE_BENCH_S3_SECRET';
const MERGED = 100_000;

/** Puts the file into a bucket of its own; the pipeline loads it. */
export async function s3Pipeline(server: S3Server, file: string): Promise<string> {
  process.env[SECRET] = server.secretAccessKey;
  const bucket = await server.createBucket();
  const { PutObjectCommand } = await import('@aws-sdk/client-s3');
  const object = { Bucket: bucket, Key: 'in/rows.csv', Body: createReadStream(file), ContentLength: statSync(file).size };
  await server.client.send(new PutObjectCommand(object));
  return `in:
  type: s3
  endpoint: "${server.endpoint}"
  access_key_id: ${server.accessKeyId}
  secret_access_key: {env: ${SECRET}}
  bucket: ${bucket}
  path_prefix: in/
  parser:
    type: csv
    skip_header_lines: 1
    columns:
${columnsYaml()}
out: {type: warehouse, table: bench.rows, time_column: created_at}
`;
}

async function s3Case(rounds: number, rows: number): Promise<string[]> {
  const file = await csvFile(rows);
  const server = await startS3();
  const project = new BenchProject();
  try {
    const remote = project.pipeline('s3.yml', await s3Pipeline(server, file));
    const local = project.pipeline('disk.yml', csvPipeline(`paths: ["${file}"]`));
    const load = async (config: string): Promise<Run> => {
      project.reset();
      return checkWritten(await project.sluice('run', config, '--json'), rows);
    };
    const { disk, s3 } = await interleave(rounds, { disk: () => load(local), s3: () => load(remote) });
    return [describe('S3  ', s3), describe('disk', disk), verdict('S3 CSV → warehouse', s3, disk, '≤ 1.5')];
  } finally {
    project.remove();
    await server.stop();
  }
}

/** 100,000 rows all over the table: one in twenty is new, the others replace one. And as many that all are new. */
function mergeFiles(rows: number): Promise<[string, string]> {
  const merged = Math.min(MERGED, Math.floor(rows / 20));
  return Promise.all([csvOfNumbers(merged, 0, Math.ceil((rows / merged) * 1.05)), csvOfNumbers(merged, rows * 2, 1)]);
}

interface MergeSide {
  readonly label: string;
  /** Makes the 2 M rows stand as they did at first; not measured. */
  restore(): Promise<void>;
  load(file: 'merge' | 'append'): Promise<Run>;
  count(): Promise<number>;
}

async function mergeCase(rounds: number, rows: number, side: MergeSide): Promise<string[]> {
  const merged = Math.min(MERGED, Math.floor(rows / 20));
  const step = Math.ceil((rows / merged) * 1.05);
  const fresh = merged - Math.ceil(rows / step);
  const lane = (name: 'merge' | 'append', expected: number) => async (): Promise<Run> => {
    await side.restore();
    const run = await side.load(name);
    const found = await side.count();
    if (found !== expected) throw new Error(`after the ${name} the table holds ${found} rows; expected ${expected}`);
    return run;
  };
  const { append, merge } = await interleave(rounds, { append: lane('append', rows + merged), merge: lane('merge', rows + fresh) }, false);
  const label = `${side.label}: merge of ${merged} rows into ${rows} against their append`;
  return [describe('merge ', merge), describe('append', append), verdict(label, merge, append, 'report'), `extra ${extra(merge, append)} s`];
}

function extra(ours: readonly Run[], limit: readonly Run[]): string {
  return median(ours.map((run, i) => run.wall - (limit[i] as Run).wall)).toFixed(2);
}

async function mergeIntoWarehouse(rounds: number, rows: number): Promise<string[]> {
  const [mergeFile, appendFile] = await mergeFiles(rows);
  const project = new BenchProject();
  try {
    const state = join(project.folder, '.sluice');
    const kept = join(project.folder, 'kept');
    await project.sluice('run', project.pipeline('base.yml', csvPipeline(`paths: ["${await csvFile(rows)}"]`)), '--json');
    renameSync(state, kept);
    const out = 'table: bench.rows, time_column: created_at';
    const append = csvPipeline(`paths: ["${appendFile}"]`);
    const merge = csvPipeline(`paths: ["${mergeFile}"]`).replace(out, `${out}, mode: merge, merge_keys: [id]`);
    const configs = { append: project.pipeline('append.yml', append), merge: project.pipeline('merge.yml', merge) };
    return await mergeCase(rounds, rows, {
      label: 'warehouse',
      restore() {
        rmSync(state, { recursive: true, force: true });
        cpSync(kept, state, { recursive: true });
        return Promise.resolve();
      },
      load: (name) => project.sluice('run', configs[name], '--json'),
      async count() {
        const { stdout } = await project.sluice('query', 'SELECT count(*) AS n FROM bench.rows', '--format', 'jsonl');
        return (JSON.parse(stdout) as { n: number }).n;
      },
    });
  } finally {
    project.remove();
  }
}

async function mergeIntoPostgres(rounds: number, rows: number): Promise<string[]> {
  const [mergeFile, appendFile] = await mergeFiles(rows);
  const server = await startBenchPostgres();
  const project = new BenchProject();
  try {
    await server.fill(rows);
    await server.run(`ALTER TABLE ${TABLE} RENAME TO base_rows`);
    const configs = {
      append: project.pipeline('append.yml', csvToDatabase('postgresql', server, appendFile)),
      merge: project.pipeline('merge.yml', csvToDatabase('postgresql', server, mergeFile, 'mode: merge\n  keys: [id]')),
    };
    return await mergeCase(rounds, rows, {
      label: 'PostgreSQL',
      async restore() {
        project.reset();
        await server.run(
          `DROP TABLE IF EXISTS sluice_ledger, ${TABLE}; CREATE TABLE ${TABLE} AS TABLE base_rows; ALTER TABLE ${TABLE} ADD PRIMARY KEY (id)`,
        );
        await server.run(`VACUUM ANALYZE ${TABLE}`);
        await server.run('CHECKPOINT');
      },
      load: (name) => project.sluice('run', configs[name], '--json'),
      count: () => server.value(`SELECT count(*) FROM ${TABLE}`),
    });
  } finally {
    project.remove();
    await server.stop();
  }
}

export const TRANSFER_CASES: readonly BenchCase[] = [
  { name: 's3', title: 'S3 (local server) CSV → warehouse, against the same file from disk', bar: '≤ 1.5', run: s3Case },
  { name: 'merge-warehouse', title: 'merge of 100 k rows into 2 M in the warehouse, against their append', bar: 'report', run: mergeIntoWarehouse },
  { name: 'merge-postgresql', title: 'merge of 100 k rows into 2 M in PostgreSQL, against their append', bar: 'report', run: mergeIntoPostgres },
];
