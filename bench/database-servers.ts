import { startMariadb } from '../test/servers/mariadb.js';
import { startMysql } from '../test/servers/mysql.js';
import { startPostgres } from '../test/servers/postgres.js';
import { csvFile, loadDataFile } from './data.js';
import type { Run } from './measure.js';
import { measureProgram } from './program.js';

const PASSWORD = 'SLUICE_BENCH_PASSWORD';
export const TABLE = 'bench_rows';

/** A database server with the bench's table, and its own bulk tool as the limit. */
export interface BenchServer {
  /** Keys of a config that connects to it. */
  readonly connection: string;
  run(sql: string): Promise<void>;
  /** One number. */
  value(sql: string): Promise<number>;
  /** Empties the table, and forgets what earlier runs recorded in the server. */
  empty(): Promise<void>;
  /** Fills the table with `rows` rows by the server's own tool. */
  fill(rows: number): Promise<Run>;
  /** The whole table to /dev/null, by the server's own tool. */
  drain(): Promise<Run>;
  stop(): Promise<void>;
}

export async function startBenchPostgres(): Promise<BenchServer & { readonly url: string; text(sql: string): Promise<string> }> {
  const server = await startPostgres({ settings: { shared_buffers: '512MB', max_wal_size: '8GB', checkpoint_timeout: '1h' } });
  process.env[PASSWORD] = server.password;
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const psql = (command: string): Promise<Run> => measureProgram('psql', [server.url, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', command]);
  await client.query(
    `CREATE TABLE ${TABLE} (time bigint, id bigint, user_name text, path text, method text, code bigint, size bigint, latency double precision,
     agent text, created_at timestamptz, comment text)`,
  );
  const text = async (sql: string): Promise<string> => String(Object.values((await client.query<Record<string, unknown>>(sql)).rows[0] ?? {})[0]);
  return {
    url: server.url,
    text,
    connection: `host: ${server.host}\n  port: ${server.port}\n  user: ${server.user}\n  password: {env: ${PASSWORD}}\n  database: ${server.database}\n  table: ${TABLE}`,
    run: async (sql) => void (await client.query(sql)),
    value: async (sql) => Number(await text(sql)),
    async empty() {
      await client.query(`TRUNCATE ${TABLE}; DROP TABLE IF EXISTS sluice_ledger; CHECKPOINT`);
    },
    fill: async (rows) => psql(`\\copy ${TABLE} from '${await csvFile(rows)}' (format csv, header)`),
    drain: () => psql(`\\copy ${TABLE} to '/dev/null' (format csv)`),
    async stop() {
      await client.end();
      await server.stop();
    },
  };
}

export type MysqlKind = 'mariadb' | 'mysql8';

export async function startBenchMysql(kind: MysqlKind): Promise<BenchServer> {
  const settings = { 'innodb-buffer-pool-size': '1G', 'innodb-log-file-size': '512M' };
  const server = await (kind === 'mariadb' ? startMariadb({ settings }) : startMysql({ settings }));
  process.env[PASSWORD] = server.password;
  // The password by the environment: a command line shows in the process list.
  const client = (options: readonly string[], sql: string, into = ''): Promise<Run> =>
    measureProgram(
      'bash',
      [
        '-c',
        `exec mariadb --no-defaults --default-character-set=utf8mb4 -h"$1" -P"$2" -u"$3" "$4" ${options.join(' ')} -e "$5"${into}`,
        '-',
        ...[server.host, String(server.port), server.user, server.database, sql],
      ],
      { env: { MYSQL_PWD: server.password } },
    );
  await server.run(
    `CREATE TABLE ${TABLE} (time bigint, id bigint PRIMARY KEY, user_name text, path text, method text, code bigint, size bigint, latency double,
     agent text, created_at datetime, comment text) ENGINE=InnoDB`,
  );
  return {
    connection: `host: ${server.host}\n  port: ${server.port}\n  user: ${server.user}\n  password: {env: ${PASSWORD}}\n  database: ${server.database}\n  table: ${TABLE}`,
    run: (sql) => server.run(sql),
    async value(sql) {
      const connection = await server.connect();
      const [rows] = await connection.query({ sql, rowsAsArray: true });
      await connection.end();
      return Number((rows as unknown as string[][])[0]?.[0]);
    },
    empty: () => server.run(`TRUNCATE TABLE ${TABLE}; DROP TABLE IF EXISTS sluice_ledger`),
    fill: async (rows) =>
      client(
        ['--local-infile=1'],
        `SET SESSION sql_mode = ''; LOAD DATA LOCAL INFILE '${await loadDataFile(rows)}' INTO TABLE ${TABLE} CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY '' LINES TERMINATED BY '\\n'`,
      ),
    drain: () => client(['--quick', '--batch'], `SELECT * FROM ${TABLE}`, ' > /dev/null'),
    stop: () => server.stop(),
  };
}
