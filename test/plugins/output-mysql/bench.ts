import type { Connection } from 'mysql2/promise';
import type { RunSummary } from '../../../src/core/engine/events.js';
import type { Point } from '../../../src/core/spi/index.js';
import { TestProject } from '../../engine/project.js';
import type { MysqlServer } from '../../servers/mysql-family.js';

export interface RunEnd {
  readonly code: number;
  /** All that was printed. */
  readonly told: string;
  readonly summary: RunSummary | undefined;
}

/** A project that loads CSV files into a database of its own. */
export class MysqlBench {
  readonly server: MysqlServer;
  readonly database: string;
  readonly client: Connection;
  readonly project = new TestProject();

  private constructor(server: MysqlServer, database: string, client: Connection) {
    this.server = server;
    this.database = database;
    this.client = client;
  }

  static async open(server: MysqlServer): Promise<MysqlBench> {
    const database = await server.createDatabase();
    return new MysqlBench(server, database, await server.connect(database));
  }

  /** Writes `load.yml`; `out` are further lines of the output. */
  config(
    out: string,
    columns: string,
    options: { readonly more?: string; readonly user?: string; readonly port?: number; readonly database?: string } = {},
  ): void {
    this.project.write(
      'load.yml',
      `in:
  type: file
  path_prefix: data/
  parser: {type: csv, skip_header_lines: 1, columns: [${columns}]}
out:
  type: mysql
  host: 127.0.0.1
  port: ${options.port ?? this.server.port}
  user: ${options.user ?? this.server.user}
  password: {env: MYSQL_PASSWORD_TEST}
  database: ${options.database ?? this.database}
  ${out}
${options.more ?? ''}`,
    );
  }

  async run(hooks: { readonly reach?: (point: Point) => void; readonly args?: readonly string[] } = {}): Promise<RunEnd> {
    const outcome = await this.project.sluice(['run', 'load.yml', '--json', ...(hooks.args ?? [])], {
      env: { MYSQL_PASSWORD_TEST: this.server.password },
      ...(hooks.reach === undefined ? {} : { reach: hooks.reach }),
    });
    const last = outcome.stdout === '' ? {} : (JSON.parse(outcome.stdout) as { pipelines?: RunSummary[] });
    return { code: outcome.code, told: outcome.stdout + outcome.stderr, summary: last.pipelines?.[0] };
  }

  /** Rows as texts. */
  async rows(sql: string): Promise<(string | null)[][]> {
    const [found] = await this.client.query({ sql, rowsAsArray: true });
    return found as unknown as (string | null)[][];
  }

  async exec(sql: string): Promise<void> {
    await this.client.query(sql);
  }

  async close(): Promise<void> {
    await this.client.query(`DROP DATABASE \`${this.database}\``);
    await this.client.end();
    this.project.remove();
  }
}

export const COLUMNS = '{name: id, type: long}, {name: name, type: string}, {name: amount, type: "decimal(12,2)"}';
