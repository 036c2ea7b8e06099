/**
 * What becomes of values that are easy to lose, PostgreSQL → Parquet, by each peer: `node --import tsx bench/peers-values.ts`.
 * Prints the columns that arrive changed; a footnote of the table in the README says the same.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../src/core/duckdb/index.js';
import { startBenchPostgres } from './database-servers.js';
import { installPeers } from './peers-install.js';
import { measureProgram } from './program.js';
import { BenchProject } from './project.js';

interface Value {
  readonly name: string;
  readonly type: string;
  readonly value: string;
  /** As text in Parquet; one of these is right. */
  readonly right: readonly string[];
}

const VALUES: readonly Value[] = [
  { name: 'big', type: 'bigint', value: '9007199254740993', right: ['9007199254740993'] },
  { name: 'money', type: 'numeric(20,2)', value: '123456789012345678.91', right: ['123456789012345678.91'] },
  { name: 'fine', type: 'numeric(38,18)', value: '1.000000000000000001', right: ['1.000000000000000001'] },
  {
    name: 'open_ended',
    type: 'numeric',
    value: '1234567890.12345678901234567890',
    right: ['1234567890.1234567890123456789'],
  },
  { name: 'nothing', type: 'text', value: 'NULL', right: ['NULL'] },
  { name: 'empty', type: 'text', value: "''", right: [''] },
  { name: 'null_word', type: 'text', value: "'NULL'", right: ["'NULL'"] },
  { name: 'zeros', type: 'text', value: "'007'", right: ['007'] },
  { name: 'lines', type: 'text', value: "E'a\\nb\\\"c'", right: ['a\nb"c'] },
  {
    name: 'at',
    type: 'timestamptz',
    value: "'2026-01-02 03:04:05.123456+00'",
    right: ['2026-01-02 03:04:05.123456+00', '2026-01-02 03:04:05.123456'],
  },
  { name: 'local_at', type: 'timestamp', value: "'2026-01-02 03:04:05.123456'", right: ['2026-01-02 03:04:05.123456'] },
  { name: 'never', type: 'timestamptz', value: "'infinity'", right: ['infinity'] },
  { name: 'day', type: 'date', value: "'0044-03-15 BC'", right: ['0044-03-15 (BC)', '0044-03-15 BC'] },
  { name: 'uuid', type: 'uuid', value: "'00112233-4455-6677-8899-aabbccddeeff'", right: ['00112233-4455-6677-8899-aabbccddeeff'] },
  { name: 'bytes', type: 'bytea', value: "'\\x00ff'", right: ['\\x00\\xFF'] },
  {
    name: 'exact_json',
    type: 'json',
    value: `'{"n": 12345678901234567890.10}'`,
    right: ['{"n": 12345678901234567890.10}', '{"n":12345678901234567890.10}'],
  },
];

const TABLE = 'bench_rows';
const DLT = fileURLToPath(new URL('./peers-dlt.py', import.meta.url));
const peers = await installPeers();
const server = await startBenchPostgres();
const project = new BenchProject();
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-values-'));

/** Texts by column, with NULL as the bare word. */
async function parquetTexts(from: string): Promise<Record<string, string>> {
  const files = readdirSync(from, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.parquet'));
  const database = await openDatabase();
  const connection = await database.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const list = files.map((name) => `'${join(from, name)}'`).join(', ');
  const [row = {}] = await connection.rows(`SELECT COLUMNS(*)::VARCHAR FROM read_parquet([${list}], hive_partitioning = false)`);
  connection.close();
  database.close();
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value === null ? 'NULL' : value === 'NULL' ? "'NULL'" : String(value)]),
  );
}

/** More digits of the same number are no change. */
function withoutZeros(text: string): string {
  return /^-?\d+\.\d+$/.test(text) ? text.replace(/0+$/, '') : text;
}

async function tell(peer: string, columns: readonly Value[], run: () => Promise<unknown>, out: string): Promise<void> {
  try {
    await run();
    const found = await parquetTexts(out);
    const changed = columns.filter(({ name, right }) => !right.includes(withoutZeros(found[name] ?? 'missing')));
    console.log(`${peer}: ${columns.length - changed.length} of ${columns.length} columns as they were`);
    for (const { name, type, value } of changed) console.log(`  ${name} ${type}: ${value} became ${JSON.stringify(found[name] ?? 'missing')}`);
  } catch (error) {
    console.log(`${peer} failed: ${String(error).slice(-600)}`);
  }
}

async function create(columns: readonly Value[]): Promise<void> {
  await server.run(`DROP TABLE IF EXISTS ${TABLE}; CREATE TABLE ${TABLE} (${columns.map(({ name, type }) => `${name} ${type}`).join(', ')})`);
  await server.run(`INSERT INTO ${TABLE} VALUES (${columns.map(({ value }) => value).join(', ')})`);
}

async function sluice(): Promise<void> {
  rmSync(join(project.folder, 'out'), { recursive: true, force: true });
  project.reset();
  const yaml = `in:\n  type: postgresql\n  ${server.connection}\nout: {type: file, path_prefix: out/rows_, formatter: {type: parquet}}\n`;
  await project.sluice('run', project.pipeline('run.yml', yaml), '--json');
}

async function dlt(): Promise<void> {
  for (const path of ['dlt', 'state']) rmSync(join(folder, path), { recursive: true, force: true });
  const url = server.url.replace('postgres://', 'postgresql://');
  const env = { RUNTIME__DLTHUB_TELEMETRY: 'false', RUNTIME__LOG_LEVEL: 'ERROR' };
  await measureProgram(peers.python, [DLT, 'postgresql-parquet', url, join(folder, 'dlt'), join(folder, 'state')], { env });
}

async function sling(): Promise<void> {
  rmSync(join(folder, 'sling'), { recursive: true, force: true });
  const home = { SLING_DISABLE_TELEMETRY: 'true', SLING_HOME_DIR: join(folder, 'home'), SLING_DUCKDB_COMPUTE: 'false' };
  const target = ['--tgt-object', `file://${join(folder, 'sling', 'rows.parquet')}`, '--mode', 'full-refresh'];
  const source = ['--src-conn', 'BENCH_PG', '--src-stream', `public.${TABLE}`];
  await measureProgram(peers.sling, ['run', ...source, ...target], { env: { ...home, BENCH_PG: `${server.url}?sslmode=disable` } });
}

try {
  console.log(peers.versions);
  for (const { peer, run, out } of [
    { peer: 'sluice', run: sluice, out: join(project.folder, 'out') },
    { peer: 'dlt', run: dlt, out: join(folder, 'dlt') },
    { peer: 'sling', run: sling, out: join(folder, 'sling') },
  ]) {
    let left: readonly Value[] = VALUES;
    await create(left);
    const whole = await run().then(
      () => true,
      () => false,
    );
    // A value that ends a whole load is left out, so that the others are seen.
    for (const each of whole ? [] : VALUES) {
      await create([each]);
      await run().catch(() => {
        console.log(`${peer}: refuses ${each.name} ${each.type} ${each.value}`);
        left = left.filter(({ name }) => name !== each.name);
      });
    }
    await create(left);
    await tell(peer, left, run, out);
  }
} finally {
  await server.stop();
  project.remove();
  rmSync(folder, { recursive: true, force: true });
}
