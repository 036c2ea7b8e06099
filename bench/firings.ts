/**
 * One `sluice serve` on PostgreSQL under many firings of a trivial SQL job:
 * `node --import tsx bench/firings.ts [--rate 1500] [--seconds 300] [--workers 4] [--insert]`. Tells how many of the times that were due had
 * their job done, how late jobs started and ended, and the CPU time of a firing. `--insert`: the job adds a row to one of ten tables
 * instead of selecting one. `--rate 0`: what an idle process takes, with its HTTP API. Needs a build.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openMetastore, type Metastore } from '../src/metastore/index.js';
import { startPostgres } from '../test/servers/postgres.js';
import { cpuBelow, findProcess, memoryBelow } from './process-cpu.js';
import { BenchProject } from './project.js';

const bin = fileURLToPath(new URL('../bin/sluice.cjs', import.meta.url));
/** A schedule fires so many times a minute. */
const TIMES_A_MINUTE = 10;
const TABLES = 10;

function option(name: string, standard: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? standard : Number(process.argv[at + 1]);
}

function writeProject(
  folder: string,
  settings: { readonly rate: number; readonly workers: number; readonly insert: boolean; readonly env: string },
): void {
  writeFileSync(
    join(folder, 'sluice.yml'),
    `name: bench
metastore: {type: postgresql, url: {env: ${settings.env}}}
serve: {workers: ${settings.workers}, drain_secs: 5, http: {enabled: ${settings.rate === 0}, port: 0}, maintain: {enabled: false}}
`,
  );
  mkdirSync(join(folder, 'schedules'), { recursive: true });
  const step = 60 / TIMES_A_MINUTE;
  const schedules = Array.from({ length: Math.ceil(settings.rate / TIMES_A_MINUTE) }, (_, i) => {
    const sql = settings.insert ? `INSERT INTO bench.t${i % TABLES} SELECT ${i} AS id, TD_SCHEDULED_TIME() AS period` : `SELECT ${i} AS id`;
    return `  s${i}: {cron: '${i % step}/${step} * * * * *', catch_up: all, overlap: queue, retries: {limit: 5, initial_wait_secs: 0.2}, sql: '${sql}'}\n`;
  });
  writeFileSync(join(folder, 'schedules', 'all.yml'), `schedules:${schedules.length === 0 ? ' {}' : `\n${schedules.join('')}`}\n`);
}

/** Milliseconds after the time a job was due, sorted. */
async function readLags(store: Metastore, from: number, to: number): Promise<{ start: number[]; end: number[]; missing: number; tries: number }> {
  const found = { start: [] as number[], end: [] as number[], missing: 0, tries: 0 };
  let before: string | undefined;
  for (;;) {
    const jobs = await store.listJobs({ limit: 1000, ...(before === undefined ? {} : { before }) });
    for (const { nominalTime, startedAt, finishedAt, status, attempts } of jobs) {
      if (nominalTime === null || nominalTime < from || nominalTime >= to) continue;
      if (status !== 'success') found.missing++;
      found.tries += attempts;
      if (startedAt !== null) found.start.push(startedAt - nominalTime);
      if (finishedAt !== null) found.end.push(finishedAt - nominalTime);
    }
    before = jobs.at(-1)?.id;
    if (jobs.length < 1000) break;
  }
  for (const lags of [found.start, found.end]) lags.sort((a, b) => a - b);
  return found;
}

const quantiles = (sorted: readonly number[]): string =>
  [0.5, 0.95, 0.99, 1]
    .map((q) => `${q === 1 ? 'max' : `p${q * 100}`} ${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN}`)
    .join(', ');

function reportIdle(megabytes: number, share: number): void {
  const good = megabytes < 150 && share < 0.01;
  console.log(`idle: ${megabytes.toFixed(0)} MB, ${(share * 100).toFixed(2)} % of a CPU; bar ${good ? 'met' : 'MISSED'} (150 MB, 1 %)`);
}

interface Measured {
  readonly from: number;
  readonly seconds: number;
  /** Firings a minute. */
  readonly rate: number;
  readonly serveCpu: number;
  readonly databaseCpu: number;
  readonly label: string;
}

async function reportFirings(store: Metastore, { from, seconds, rate, serveCpu, databaseCpu, label }: Measured): Promise<void> {
  const open = (await store.listJobs({ open: true, limit: 1000 })).length;
  const lags = await readLags(store, from, from + seconds * 1000);
  const due = (rate * seconds) / 60;
  const done = lags.end.length - lags.missing;
  const ms = (cpu: number): string => ((cpu * 1000) / done).toFixed(0);
  console.log(`${rate} firings a minute for ${seconds} s (${label}): ${done} of ${due} done, ${open} open at the end`);
  console.log(
    `  start after due, ms: ${quantiles(lags.start)}; end: ${quantiles(lags.end)}; ${(lags.tries / lags.start.length).toFixed(2)} tries a job`,
  );
  console.log(`  CPU a firing: ${ms(serveCpu)} ms of serve and its workers, ${ms(databaseCpu)} ms of PostgreSQL`);
  console.log(`  bar: kept up ${done >= due * 0.99 && open < rate / 30 ? 'yes' : 'NO'}`);
}

async function main(): Promise<void> {
  const [rate, seconds, workers] = [option('--rate', 1500), option('--seconds', 300), option('--workers', 4)];
  const insert = process.argv.includes('--insert');
  const database = await startPostgres();
  const project = new BenchProject();
  let server: ChildProcess | undefined;
  try {
    process.env['BENCH_METASTORE_URL'] = database.url;
    writeProject(project.folder, { rate, workers, insert, env: 'BENCH_METASTORE_URL' });
    if (insert) for (let i = 0; i < TABLES; i++) await project.sluice('query', `CREATE TABLE bench.t${i} AS SELECT 0 AS id, 0::BIGINT AS period`);
    const store = await openMetastore({
      url: `postgresql://${database.user}@${database.host}:${database.port}/postgres`,
      password: database.password,
    });
    server = spawn(process.execPath, [...process.execArgv.filter((each) => each.startsWith('--cpu-prof')), bin, 'serve'], {
      cwd: project.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    server.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
    while (!said.includes('serving bench')) {
      if (server.exitCode !== null) throw new Error(said);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const postgres = findProcess(`port=${database.port}`);
    // Workers and caches are there.
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const from = Math.ceil((await store.now()) / 1000) * 1000;
    const [serveBefore, databaseBefore] = [cpuBelow(server.pid ?? 0), cpuBelow(postgres)];
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const [serveCpu, databaseCpu] = [cpuBelow(server.pid ?? 0) - serveBefore, cpuBelow(postgres) - databaseBefore];
    if (rate === 0) reportIdle(memoryBelow(server.pid ?? 0), serveCpu / seconds);
    else await reportFirings(store, { from, seconds, rate, serveCpu, databaseCpu, label: `${insert ? 'INSERT' : 'SELECT'}, ${workers} workers` });
    await store.close();
  } finally {
    if (server && server.exitCode === null) {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
    project.remove();
    await database.stop();
  }
}

await main();
