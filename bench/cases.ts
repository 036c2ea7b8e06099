import { mkdtempSync, rmSync, statSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COLUMNS, csvFile, csvFolder, gzipFile, ndjsonFile, zstdFile } from './data.js';
import { commitGrowth } from './commits.js';
import { describeFilter, loadHours, measureFilter } from './filter.js';
import { bareCopy, bareSql } from './limit.js';
import { describe, measure, median, pair, type Run } from './measure.js';
import { BenchProject, csvPipeline, jsonPipeline } from './project.js';

export interface BenchCase {
  readonly name: string;
  readonly title: string;
  readonly bar: string;
  /** `rows`: of the cases that do not name their own number. */
  run(rounds: number, rows: number): Promise<string[]>;
}

const ROWS = 2_000_000;
const NAMES = COLUMNS.map((c) => c.name).join(', ');
const READ_OPTIONS = `header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', columns = {${COLUMNS.map((c) => `${c.name}: '${c.duck}'`).join(', ')}}`;

function ratio(ours: readonly Run[], limit: readonly Run[]): string {
  const pairs = ours.map((run, i) => run.wall / (limit[i] as Run).wall);
  const cpu = ours.map((run, i) => run.cpu / (limit[i] as Run).cpu);
  return `ratio: wall ${median(pairs).toFixed(2)} (${Math.min(...pairs).toFixed(2)}-${Math.max(...pairs).toFixed(2)}), cpu ${median(cpu).toFixed(2)}`;
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(process.env['SLUICE_BENCH_TMP'] ?? tmpdir(), 'sluice-bench-limit-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Our load against a bare COPY of the same input. */
async function loadCase(rounds: number, yaml: string, limitFrom: string): Promise<{ lines: string[]; ours: Run[]; limit: Run[] }> {
  const project = new BenchProject();
  const config = project.pipeline('load.yml', yaml);
  try {
    return await withFolder(async (folder) => {
      const { ours, limit } = await pair(
        rounds,
        async () => {
          project.reset();
          return project.sluice('run', config, '--json');
        },
        () => measure(bareCopy(limitFrom, NAMES, folder)),
      );
      return { lines: [describe('sluice', ours), describe('limit ', limit), ratio(ours, limit)], ours, limit };
    });
  } finally {
    project.remove();
  }
}

const readCsv = (path: string): string => `read_csv('${path}', ${READ_OPTIONS})`;
const lines = async (result: Promise<{ lines: string[] }>): Promise<string[]> => (await result).lines;

export const CASES: readonly BenchCase[] = [
  {
    name: 'csv',
    title: 'CSV → warehouse, 30 day partitions, strict typing, conservation check, commit',
    bar: '≤ 1.35 wall, peak ≤ 1 GB; aim 1.2',
    run: async (rounds) => {
      const file = await csvFile(ROWS);
      return lines(loadCase(rounds, csvPipeline(`paths: ["${file}"]`), readCsv(file)));
    },
  },
  {
    name: 'csv-bad',
    title: 'the same with 10 % bad rows kept as rejects with exact record numbers, against the clean limit',
    bar: '≤ 2',
    run: async (rounds) =>
      lines(loadCase(rounds, csvPipeline(`paths: ["${await csvFile(ROWS, 10)}"]`, { exec: '{max_rejects: "20%"}' }), readCsv(await csvFile(ROWS)))),
  },
  {
    name: 'csv-20m',
    title: '20 M rows in one file, against 10 x the 2 M time and the 2 M peak',
    bar: '≤ 1.05; ≤ 1.15',
    run: async (rounds) => {
      const small = await csvFile(ROWS);
      const large = await csvFile(ROWS * 10);
      const project = new BenchProject();
      const load = async (file: string): Promise<Run> => {
        project.reset();
        return project.sluice('run', project.pipeline('load.yml', csvPipeline(`paths: ["${file}"]`)), '--json');
      };
      const { ours, limit } = await pair(
        Math.min(rounds, 2),
        () => load(large),
        () => load(small),
      );
      project.remove();
      const time = median(ours.map((r, i) => r.wall / (10 * (limit[i] as Run).wall)));
      const peak = median(ours.map((r, i) => r.peak / (limit[i] as Run).peak));
      return [describe('20 M', ours), describe(' 2 M', limit), `ratio: time ${time.toFixed(2)}, peak ${peak.toFixed(2)}`];
    },
  },
  {
    name: 'gz',
    title: 'gzip',
    bar: '≤ 1.5',
    run: async (rounds) => {
      const file = await gzipFile(ROWS);
      return lines(loadCase(rounds, csvPipeline(`paths: ["${file}"]`), readCsv(file)));
    },
  },
  {
    name: 'zst',
    title: 'zstd',
    bar: '≤ 1.5',
    run: async (rounds) => {
      const file = await zstdFile(ROWS);
      return lines(loadCase(rounds, csvPipeline(`paths: ["${file}"]`), readCsv(file)));
    },
  },
  {
    name: 'files',
    title: '1,000 small files',
    bar: '≤ 1.35',
    run: async (rounds) => {
      const folder = await csvFolder(ROWS, 1000);
      return lines(loadCase(rounds, csvPipeline(`path_prefix: ${folder}/part-`), readCsv(`${folder}/*.csv`)));
    },
  },
  {
    name: 'ndjson',
    title: "NDJSON with values kept exact, against DuckDB's typed read_ndjson",
    bar: '≤ 2',
    run: async (rounds) => {
      const file = await ndjsonFile(ROWS);
      return lines(
        loadCase(rounds, jsonPipeline(file), `read_ndjson('${file}', columns = {${COLUMNS.map((c) => `${c.name}: '${c.duck}'`).join(', ')}})`),
      );
    },
  },
  {
    name: 'fallback',
    title: 'CSV in the fallback lane (own tokenizer) against our native lane',
    bar: '≤ 2.5',
    run: async (rounds) => {
      const file = await csvFile(ROWS);
      const project = new BenchProject();
      const load = async (parser: string): Promise<Run> => {
        project.reset();
        return project.sluice('run', project.pipeline('load.yml', csvPipeline(`paths: ["${file}"]`, { parser })), '--json');
      };
      const { ours, limit } = await pair(
        rounds,
        () => load('    max_quoted_size_limit: 100000\n'),
        () => load(''),
      );
      project.remove();
      return [describe('fallback', ours), describe('native  ', limit), ratio(ours, limit)];
    },
  },
  {
    name: 'group-by',
    title: '80 M-row GROUP BY over 30 partitions against bare DuckDB on the same files',
    bar: '≤ 1.1',
    run: async (rounds) => {
      const file = await csvFile(ROWS * 10);
      const project = new BenchProject();
      const config = project.pipeline('load.yml', csvPipeline(`paths: ["${file}"]\n  incremental: false`));
      for (let i = 0; i < 4; i++) await project.sluice('run', config, '--json');
      const sql = 'SELECT code, count(*) AS n, sum(size) AS size, avg(latency) AS latency FROM bench.rows GROUP BY code ORDER BY code';
      const files = parquetFiles(join(project.folder, '.sluice', 'warehouse'));
      const bare = sql.replace('bench.rows', `read_parquet([${files.map((f) => `'${f}'`).join(',')}])`);
      const { ours, limit } = await pair(
        rounds,
        () => project.sluice('query', sql, '--format', 'jsonl'),
        () => measure(bareSql(bare, true)),
      );
      project.remove();
      return [describe('sluice', ours), describe('limit ', limit), ratio(ours, limit)];
    },
  },
  {
    name: 'stored',
    title: 'stored bytes against the same rows as NDJSON',
    bar: 'report (aim ≤ 0.1)',
    run: async () => {
      const file = await csvFile(ROWS);
      const json = statSync(await ndjsonFile(ROWS)).size;
      const project = new BenchProject();
      await project.sluice('run', project.pipeline('load.yml', csvPipeline(`paths: ["${file}"]`)), '--json');
      const stored = parquetFiles(join(project.folder, '.sluice', 'warehouse')).reduce((sum, f) => sum + statSync(f).size, 0);
      project.remove();
      return [
        `stored ${(stored / 1e6).toFixed(1)} MB, NDJSON ${(json / 1e6).toFixed(1)} MB, CSV ${(statSync(file).size / 1e6).toFixed(1)} MB: ratio ${(stored / json).toFixed(3)}`,
      ];
    },
  },
  {
    name: 'start',
    title: 'sluice --help against node -e 0; a 10-row import against Node + DuckDB select 1',
    bar: '+ ≤ 0.1 s; ≤ 2',
    run: async (rounds) => {
      const bin = fileURLToPath(new URL('../bin/sluice.cjs', import.meta.url));
      const help = await pair(
        rounds + 4,
        () => measure([bin, '--help']),
        () => measure(['-e', '0']),
      );
      const project = new BenchProject();
      const config = project.pipeline(
        'ten.yml',
        `in: {type: config, columns: [{name: id, type: long}], rows: [[1], [2], [3], [4], [5], [6], [7], [8], [9], [10]]}\nout: {type: warehouse, table: bench.ten}\n`,
      );
      const load = await pair(
        rounds + 2,
        () => project.sluice('run', config, '--json'),
        () => measure(bareSql('SELECT 1')),
      );
      project.remove();
      const extra = median(help.ours.map((r, i) => r.wall - (help.limit[i] as Run).wall));
      return [
        describe('--help', help.ours),
        describe('node -e 0', help.limit),
        `extra ${extra.toFixed(3)} s`,
        describe('10 rows', load.ours),
        describe('select 1', load.limit),
        ratio(load.ours, load.limit),
      ];
    },
  },
  {
    name: 'filter',
    title: '6-hour filter over 2,016 files, after the instance is open, against DuckDB on just the kept files',
    bar: '+ ≤ 30 ms',
    run: async (rounds) => {
      const project = new BenchProject();
      try {
        await loadHours(project);
        return describeFilter(await measureFilter(project, rounds + 7));
      } finally {
        project.remove();
      }
    },
  },
  {
    name: 'commits',
    title: 'the 2,000th commit on one table with default upkeep against the 50th',
    bar: '≤ 3',
    run: async () => {
      const { early, late } = await commitGrowth(2000);
      return [`commits 40-60: ${early.toFixed(1)} ms, last 20: ${late.toFixed(1)} ms, ratio ${(late / early).toFixed(2)}`];
    },
  },
];

function parquetFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => join(folder, name));
}
