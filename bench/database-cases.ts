import type { BenchCase } from './cases.js';
import { COLUMNS, csvFile } from './data.js';
import { startBenchMysql, startBenchPostgres, TABLE, type BenchServer, type MysqlKind } from './database-servers.js';
import { describe, median, type Run } from './measure.js';
import { interleave } from './program.js';
import { BenchProject, columnsYaml, csvPipeline } from './project.js';

type Kind = 'postgresql' | MysqlKind;

const NAMES = COLUMNS.map((c) => c.name).join(', ');
const plugin = (kind: Kind): string => (kind === 'postgresql' ? 'postgresql' : 'mysql');
const start = (kind: Kind): Promise<BenchServer> => (kind === 'postgresql' ? startBenchPostgres() : startBenchMysql(kind));

/** One line with the ratios of a lane to its limit, round by round. */
export function verdict(label: string, ours: readonly Run[], limit: readonly Run[], bar: string): string {
  const pairs = ours.map((run, i) => run.wall / (limit[i] as Run).wall);
  const peak = Math.max(...ours.map((run) => run.peak)) / 1e6;
  return `${label}: ratio ${median(pairs).toFixed(2)} (${Math.min(...pairs).toFixed(2)}-${Math.max(...pairs).toFixed(2)}), bar ${bar}, peak ${peak.toFixed(0)} MB`;
}

/** A run must have written every row, or its time says nothing. */
export function checkWritten(run: Run, rows: number): Run {
  const { pipelines } = JSON.parse(run.stdout) as { pipelines: { written: number; rejected: number }[] };
  const written = pipelines.reduce((sum, p) => sum + p.written, 0);
  if (written !== rows) throw new Error(`expected ${rows} rows written, found ${written}`);
  return run;
}

export function readPipeline(kind: Kind, server: BenchServer): string {
  return `in:\n  type: ${plugin(kind)}\n  ${server.connection}\nout: {type: warehouse, table: bench.rows, time_column: created_at, mode: replace}\n`;
}

export function csvToDatabase(kind: Kind, server: BenchServer, file: string, mode = 'mode: append'): string {
  return `in:
  type: file
  paths: ["${file}"]
  parser:
    type: csv
    skip_header_lines: 1
    columns:
${columnsYaml()}
out:
  type: ${plugin(kind)}
  ${server.connection}
  ${mode}
`;
}

export function warehouseToDatabase(kind: Kind, server: BenchServer): string {
  return `in: {type: query, sql: "SELECT ${NAMES} FROM bench.rows"}\nout:\n  type: ${plugin(kind)}\n  ${server.connection}\n  mode: append\n`;
}

/** The table must hold the rows of the file: counts, a sum, NULLs and times. */
async function checkTable(server: BenchServer, rows: number): Promise<void> {
  const expected = [rows, (rows * (rows - 1)) / 2, rows - Math.ceil(rows / 13)];
  const found = [];
  for (const sql of [`count(*)`, `sum(id)`, `count(comment)`]) found.push(await server.value(`SELECT ${sql} FROM ${TABLE}`));
  if (found.join() !== expected.join()) throw new Error(`the target holds ${found.join()}; expected ${expected.join()}`);
}

async function readCase(kind: Kind, rounds: number, rows: number, bar: string): Promise<string[]> {
  const server = await start(kind);
  const project = new BenchProject();
  try {
    await server.fill(rows);
    if (kind === 'postgresql') await server.run(`VACUUM ANALYZE ${TABLE}`);
    const config = project.pipeline('read.yml', readPipeline(kind, server));
    const { limit, ours } = await interleave(rounds, {
      limit: () => server.drain(),
      ours: async () => {
        project.reset();
        return checkWritten(await project.sluice('run', config, '--json'), rows);
      },
    });
    return [describe('sluice', ours), describe('limit ', limit), verdict(`${kind} → warehouse`, ours, limit, bar)];
  } finally {
    project.remove();
    await server.stop();
  }
}

async function writeCase(kind: Kind, rounds: number, rows: number, bar: string): Promise<string[]> {
  const file = await csvFile(rows);
  const server = await start(kind);
  const direct = new BenchProject();
  const stored = new BenchProject();
  try {
    await stored.sluice('run', stored.pipeline('load.yml', csvPipeline(`paths: ["${file}"]`)), '--json');
    const csvConfig = direct.pipeline('csv.yml', csvToDatabase(kind, server, file));
    const exportConfig = stored.pipeline('export.yml', warehouseToDatabase(kind, server));
    // A load takes long enough to need no round to warm up.
    const { limit, csv, warehouse } = await interleave(
      rounds,
      {
        limit: async () => {
          await server.empty();
          const run = await server.fill(rows);
          await checkTable(server, rows);
          return run;
        },
        csv: async () => {
          await server.empty();
          direct.reset();
          const run = checkWritten(await direct.sluice('run', csvConfig, '--json'), rows);
          await checkTable(server, rows);
          return run;
        },
        warehouse: async () => {
          await server.empty();
          const run = checkWritten(await stored.sluice('run', exportConfig, '--json'), rows);
          await checkTable(server, rows);
          return run;
        },
      },
      false,
    );
    return [
      ...[describe('CSV      ', csv), describe('warehouse', warehouse), describe('limit    ', limit)],
      ...[verdict(`CSV → ${kind}`, csv, limit, bar), verdict(`warehouse → ${kind}`, warehouse, limit, bar)],
    ];
  } finally {
    direct.remove();
    stored.remove();
    await server.stop();
  }
}

export const DATABASE_CASES: readonly BenchCase[] = [
  {
    name: 'postgresql-read',
    title: 'PostgreSQL → warehouse, 30 partitions, against psql \\copy (csv) to /dev/null',
    bar: '≤ 1.8, aim 1.5',
    run: (rounds, rows) => readCase('postgresql', rounds, rows, '≤ 1.8'),
  },
  {
    name: 'mariadb-read',
    title: 'MariaDB → warehouse, 30 partitions, against mariadb --quick to /dev/null',
    bar: '≤ 1.6, aim 1.3',
    run: (rounds, rows) => readCase('mariadb', rounds, rows, '≤ 1.6'),
  },
  {
    name: 'mysql8-read',
    title: 'MySQL 8 → warehouse, 30 partitions, against mariadb --quick to /dev/null',
    bar: '≤ 1.6, aim 1.3',
    run: (rounds, rows) => readCase('mysql8', rounds, rows, '≤ 1.6'),
  },
  {
    name: 'postgresql-write',
    title: 'CSV → PostgreSQL and warehouse → PostgreSQL, against psql \\copy from the same rows as CSV',
    bar: '≤ 1.3, aim 1.15',
    run: (rounds, rows) => writeCase('postgresql', rounds, rows, '≤ 1.3'),
  },
  {
    name: 'mariadb-write',
    title: 'CSV → MariaDB and warehouse → MariaDB, against LOAD DATA LOCAL of the same rows',
    bar: '≤ 1.3',
    run: (rounds, rows) => writeCase('mariadb', rounds, rows, '≤ 1.3'),
  },
  {
    name: 'mysql8-write',
    title: 'CSV → MySQL 8 and warehouse → MySQL 8, against LOAD DATA LOCAL of the same rows',
    bar: '≤ 1.3',
    run: (rounds, rows) => writeCase('mysql8', rounds, rows, '≤ 1.3'),
  },
];
