import { TestProject } from '../../engine/project.js';
import type { PostgresServer } from '../../servers/postgres.js';

/** How a schedule's rows get to where they are counted. */
export type SoakTarget = 'statement' | 'table' | 'database';

export interface SoakSchedule {
  readonly name: string;
  readonly cron: string;
  readonly catchUp: 'all' | 'latest' | 'none';
  readonly overlap: 'skip' | 'queue' | 'allow';
  readonly target: SoakTarget;
}

/** Seconds between two times of a schedule. */
const EVERY_SECS = 20;

/** So many schedules, each three times a minute, with all ways to catch up, to overlap and to write. */
export function planSchedules(aMinute: number): readonly SoakSchedule[] {
  return Array.from({ length: Math.ceil((aMinute * EVERY_SECS) / 60) }, (_, i) => ({
    name: `s${String(i).padStart(2, '0')}`,
    cron: `${i % EVERY_SECS}/${EVERY_SECS} * * * * *`,
    // Most must run at each of their times; the others may leave some out.
    catchUp: i % 5 === 3 ? 'latest' : i % 5 === 4 ? 'none' : 'all',
    overlap: i % 5 === 3 ? 'skip' : i % 3 === 0 ? 'allow' : 'queue',
    target: i % 4 === 3 ? 'database' : i % 4 === 2 ? 'table' : 'statement',
  }));
}

export class SoakProject {
  readonly #project = new TestProject();
  readonly #env: Readonly<Record<string, string>>;

  constructor(database: PostgresServer, schedules: readonly SoakSchedule[]) {
    this.#env = { METASTORE_URL: database.url, MART_PASSWORD: database.password };
    this.#project.write(
      'sluice.yml',
      `name: soak
metastore: {type: postgresql, url: {env: METASTORE_URL}}
connections:
  mart: {type: postgresql, host: 127.0.0.1, port: ${database.port}, database: mart, user: ${database.user}, password: {env: MART_PASSWORD}}
serve: {workers: 3, drain_secs: 3, http: {enabled: false}, maintain: {enabled: false}}
`,
    );
    const texts = schedules.map(({ name, cron, catchUp, overlap, target }, i) =>
      [
        `  ${name}:`,
        `    cron: '${cron}'`,
        `    catch_up: ${catchUp}`,
        `    overlap: ${overlap}`,
        '    retries: {limit: 32, initial_wait_secs: 0.5, max_wait_secs: 2}',
        `    ${whatRuns(target, name, i)}`,
      ].join('\n'),
    );
    this.#project.write('schedules/all.yml', `schedules:\n${texts.join('\n')}\n`);
  }

  get folder(): string {
    return this.#project.folder;
  }

  async query(sql: string): Promise<readonly { readonly schedule: string; readonly period: number }[]> {
    const { code, stdout, stderr } = await this.#project.sluice(['query', sql, '--format', 'jsonl'], { env: this.#env });
    if (code !== 0) throw new Error(stderr);
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { schedule: string; period: number });
  }

  remove(): void {
    this.#project.remove();
  }
}

/** Adding rows shows a period that was done twice. A table for every few schedules: they meet in some commits, not in all. */
function whatRuns(target: SoakTarget, name: string, i: number): string {
  const row = `SELECT '${name}' AS schedule, TD_SCHEDULED_TIME() AS period`;
  if (target === 'statement') return `sql: "INSERT INTO soak.statements${i % 3} ${row}"`;
  if (target === 'table') return `sql: "${row}"\n    into: {table: soak.rows${i % 3}, mode: append}`;
  return `sql: "${row}"\n    out: {connection: mart, table: rows${i % 3}, mode: append}`;
}

const GROUPS = [0, 1, 2] as const;
/** What must be there before the first of them runs: a statement makes no table. */
export const FIRST_TABLES = GROUPS.map((i) => `CREATE TABLE soak.statements${i} AS SELECT '' AS schedule, 0::BIGINT AS period WHERE false`);
/** Names of all tables in the warehouse. */
export const WAREHOUSE_TABLES = GROUPS.flatMap((i) => [`soak.statements${i}`, `soak.rows${i}`]);
export const DATABASE_TABLES = GROUPS.map((i) => `rows${i}`);
