/**
 * The same work by Sling, dlt and Sluice, in turn, in one run: CSV → Parquet, PostgreSQL → Parquet, CSV → PostgreSQL; each peer its fastest
 * documented way. Installs the peers from PyPI into the cache. `npm run bench:peers -- [csv-parquet|postgresql-parquet|csv-postgresql] [--rounds N] [--rows N]`.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../src/core/duckdb/index.js';
import { COLUMNS, csvFile } from './data.js';
import { csvToDatabase } from './database-cases.js';
import { startBenchPostgres, TABLE } from './database-servers.js';
import { median, type Run } from './measure.js';
import { installPeers, type PeerPrograms } from './peers-install.js';
import { interleave, measureProgram } from './program.js';
import { BenchProject, columnsYaml } from './project.js';

type Postgres = Awaited<ReturnType<typeof startBenchPostgres>>;
type Peer = 'sluice' | 'sluice (table)' | 'dlt' | 'sling';

const WORKS = ['csv-parquet', 'postgresql-parquet', 'csv-postgresql'] as const;
type Work = (typeof WORKS)[number];

const DLT = fileURLToPath(new URL('./peers-dlt.py', import.meta.url));
const FILES = 'out: {type: file, path_prefix: out/rows_, formatter: {type: parquet}}\n';
const WAREHOUSE = 'out: {type: warehouse, table: bench.rows, time_column: created_at}\n';

const args = process.argv.slice(2);
function option(name: string, standard: number): number {
  const at = args.indexOf(name);
  return at < 0 ? standard : Number(args.splice(at, 2)[1]);
}

/** Everything that one work needs; its peers write to `folder` or to the server. */
class Contest {
  readonly folder = mkdtempSync(join(process.env['SLUICE_BENCH_TMP'] ?? tmpdir(), 'sluice-bench-peers-'));
  readonly #project = new BenchProject();
  readonly #peers: PeerPrograms;
  readonly #server: Postgres;
  readonly #rows: number;
  readonly #file: string;

  constructor(peers: PeerPrograms, server: Postgres, rows: number, file: string) {
    this.#peers = peers;
    this.#server = server;
    this.#rows = rows;
    this.#file = file;
  }

  run(work: Work, rounds: number): Promise<Partial<Record<Peer, Run[]>>> {
    const lanes = {
      sluice: () => this.#checked(work, () => this.#sluice(this.#pipeline(work, FILES)), join(this.#project.folder, 'out')),
      'sluice (table)': () =>
        this.#checked(work, () => this.#sluice(this.#pipeline(work, WAREHOUSE)), join(this.#project.folder, '.sluice', 'warehouse')),
      dlt: () => this.#checked(work, () => this.#dlt(work), join(this.folder, 'out'), 'peer_dlt.bench_rows'),
      sling: () => this.#checked(work, () => this.#sling(work), join(this.folder, 'out'), 'peer_sling.bench_rows'),
    };
    if (work !== 'csv-postgresql') return interleave<Peer>(rounds, lanes, false);
    const { 'sluice (table)': _, ...others } = lanes;
    return interleave(rounds, others, false);
  }

  remove(): void {
    this.#project.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Clears the targets, runs, and compares what arrived with the source. */
  async #checked(work: Work, run: () => Promise<Run>, folder: string, table = TABLE): Promise<Run> {
    this.#project.reset();
    for (const path of [join(this.#project.folder, 'out'), this.folder]) rmSync(path, { recursive: true, force: true });
    if (work === 'csv-postgresql') {
      await this.#server.run(
        'DROP SCHEMA IF EXISTS peer_dlt CASCADE; DROP SCHEMA IF EXISTS peer_dlt_staging CASCADE; DROP SCHEMA IF EXISTS peer_sling CASCADE',
      );
      await this.#server.run('CREATE SCHEMA peer_sling');
      await this.#server.empty();
    }
    const measured = await run();
    const sums = "count(*)::BIGINT || ' ' || sum(id)::BIGINT || ' ' || count(DISTINCT date_trunc('day', created_at))";
    const found = await (work === 'csv-postgresql' ? this.#server.text(`SELECT ${sums} FROM ${table}`) : parquetText(sums, folder));
    const days = Math.min(30, Math.ceil(((this.#rows - 1) * 37 + 1) / 86_400));
    const expected = `${this.#rows} ${(this.#rows * (this.#rows - 1)) / 2} ${days}`;
    if (found !== expected) throw new Error(`${work} into ${table} of ${folder}: found ${found}, expected ${expected}`);
    return measured;
  }

  #pipeline(work: Work, out: string): string {
    const csv = `in:\n  type: file\n  paths: ["${this.#file}"]\n  parser:\n    type: csv\n    skip_header_lines: 1\n    columns:\n${columnsYaml()}\n`;
    if (work === 'csv-parquet') return csv + out;
    if (work === 'csv-postgresql') return csvToDatabase('postgresql', this.#server, this.#file);
    return `in:\n  type: postgresql\n  ${this.#server.connection}\n${out}`;
  }

  #sluice(yaml: string): Promise<Run> {
    return this.#project.sluice('run', this.#project.pipeline('run.yml', yaml), '--json');
  }

  #dlt(work: Work): Promise<Run> {
    const url = this.#server.url.replace('postgres://', 'postgresql://');
    const source = work === 'postgresql-parquet' ? url : this.#file;
    const target = work === 'csv-postgresql' ? url : join(this.folder, 'out');
    const columns = COLUMNS.map((c) => `'${c.name}': '${c.type === 'timestamp' ? 'TIMESTAMPTZ' : c.duck}'`).join(', ');
    const env = { RUNTIME__DLTHUB_TELEMETRY: 'false', RUNTIME__LOG_LEVEL: 'ERROR' };
    return measureProgram(this.#peers.python, [DLT, work, source, target, join(this.folder, 'state'), columns], { env });
  }

  #sling(work: Work): Promise<Run> {
    const env = {
      ...{ BENCH_PG: `${this.#server.url}?sslmode=disable`, SLING_DISABLE_TELEMETRY: 'true', SLING_HOME_DIR: join(this.folder, 'home') },
      // With DuckDB's program it writes Parquet only after a download.
      SLING_DUCKDB_COMPUTE: 'false',
    };
    const source =
      work === 'postgresql-parquet' ? ['--src-conn', 'BENCH_PG', '--src-stream', `public.${TABLE}`] : ['--src-stream', `file://${this.#file}`];
    const target =
      work === 'csv-postgresql'
        ? ['--tgt-conn', 'BENCH_PG', '--tgt-object', 'peer_sling.bench_rows']
        : ['--tgt-object', `file://${join(this.folder, 'out', 'rows.parquet')}`];
    return measureProgram(this.#peers.sling, ['run', ...source, ...target, '--mode', 'full-refresh'], { env });
  }
}

async function parquetText(select: string, folder: string): Promise<string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
  const database = await openDatabase();
  const connection = await database.connect();
  const [row] = await connection.rows(`SELECT ${select} AS found FROM read_parquet([${files.map((f) => `'${f}'`).join(', ')}])`);
  connection.close();
  database.close();
  return String(Object.values(row ?? {})[0]);
}

function report(work: Work, runs: Partial<Record<Peer, Run[]>>): void {
  const ours = median((runs.sluice ?? []).map((run) => run.wall));
  for (const [peer, measured] of Object.entries(runs)) {
    const wall = median(measured.map((run) => run.wall));
    const peak = Math.max(...measured.map((run) => run.peak)) / 1e6;
    const cpu = median(measured.map((run) => run.cpu));
    console.log(
      `| ${work.replace('-', ' → ')} | ${peer} | ${wall.toFixed(1)} s | ${(wall / ours).toFixed(2)} | ${cpu.toFixed(1)} s | ${peak.toFixed(0)} MB |`,
    );
  }
}

const rounds = option('--rounds', 2);
const rows = option('--rows', 2_000_000);
const works = WORKS.filter((work) => args.length === 0 || args.includes(work));
const peers = await installPeers();
console.log(
  `${rows} rows, medians of ${rounds}; ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB; ${peers.versions}`,
);
console.log('\n| work | by | wall | of Sluice | CPU | peak |\n|---|---|---|---|---|---|');
const file = await csvFile(rows);
const server = await startBenchPostgres();
try {
  for (const work of works) {
    if (work === 'postgresql-parquet') {
      await server.empty();
      await server.fill(rows);
      await server.run(`VACUUM ANALYZE ${TABLE}`);
    }
    const contest = new Contest(peers, server, rows, file);
    try {
      report(work, await contest.run(work, rounds));
    } finally {
      contest.remove();
    }
  }
} finally {
  await server.stop();
}
