import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import type { Desk } from '../cli/desk.js';
import { startMariadb } from '../servers/mariadb.js';
import type { MysqlServer } from '../servers/mysql-family.js';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';
import { deskWith, nativeValue, signOf } from './lab.js';
import { CONNECTION, MYSQL_CASES, POSTGRESQL_CASES, PREPARE, TARGETS, type ServerCase } from './server-cases.js';

let postgres: PostgresServer;
let mariadb: MysqlServer;
let client: pg.Client;
let desk: Desk;

test.before(async () => {
  desk = deskWith({});
  [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
  client = new pg.Client(postgres.url);
  await client.connect();
  for (const sql of [...PREPARE, ...TARGETS]) {
    await client.query(sql);
    await mariadb.run(sql, mariadb.database);
  }
});
test.after(async () => {
  await client.end();
  await Promise.all([postgres.stop(), mariadb.stop()]);
  desk.remove();
});

interface Server {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

function asText(row: readonly unknown[]): readonly unknown[] {
  return row.map((value) => (value === null ? null : String(value)));
}

/** The config as it stands, but for the server. */
function configFor(config: string, { host, port, user, password, database }: Server): string {
  const connection = `  host: ${host}\n  port: ${port}\n  user: ${user}\n  password: ${password}\n  database: ${database}\n`;
  return config.replaceAll(CONNECTION, connection).replace('role_name: myuser', `role_name: ${user}`);
}

async function check({ config, stdout, rows }: ServerCase, server: Server, query: (sql: string) => Promise<unknown[][]>): Promise<void> {
  const text = configFor(config, server);
  desk.write('embulk.yml', text);
  await desk.ok(['convert', 'embulk.yml', '-o', 'native.yml', '--force']);
  const written = readFileSync(join(desk.folder, 'native.yml'), 'utf8');
  assert.equal(parse(written), await nativeValue(text));
  assert.is(await signOf(written), undefined);
  // A state that an earlier case left belongs to that case.
  await desk.sluice(['state', 'reset', 'embulk', '--yes']);
  const outcome = await desk.ok(['run', 'embulk.yml', '--embulk']);
  if (stdout !== undefined) assert.is(outcome.stdout, stdout);
  // Drivers give a number as a number or as text.
  if (rows) assert.equal((await query(rows[0])).map(asText), rows[1].map(asText));
}

for (const one of POSTGRESQL_CASES) {
  test(one.name, () => check(one, postgres, async (sql) => (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows));
}

for (const one of MYSQL_CASES) {
  test(one.name, () =>
    check(one, mariadb, async (sql) => {
      const connection = await mariadb.connect();
      try {
        return (await connection.query({ sql, rowsAsArray: true }))[0] as unknown[][];
      } finally {
        await connection.end();
      }
    }),
  );
}

test('a state of Embulk says where to go on, and moves on with -c', async () => {
  const config = `in:\n  type: postgresql\n${CONNECTION}  table: my_table\n  select: "col1, updated_at"\n  incremental: true\n  incremental_columns: [updated_at, col1]\nfilters: [{type: remove_columns, keep: [col1]}]\nout: {type: stdout}\n`;
  desk.write('cursor.yml', configFor(config, postgres));
  desk.write('diff.yml', "in:\n  last_record: ['2015-01-01T00:00:00.000000', 1]\nout: {}\n");
  assert.is((await desk.ok(['run', 'cursor.yml', '--embulk', '-c', 'diff.yml'])).stdout, '2\n3\n');
  assert.is((await desk.ok(['run', 'cursor.yml', '--embulk', '-c', 'diff.yml'])).stdout, '');
});

test('a template with a secret runs as it is', async () => {
  desk.write(
    'secret.yml.liquid',
    `in:\n  type: postgresql\n  host: {{ env.PG_HOST }}\n  port: '{{ env.PG_PORT }}'\n  user: ${postgres.user}\n  password: {{ env.PG_PASSWORD }}\n  database: ${postgres.database}\n  table: table1\n  fetch_rows: 100\nout: {type: stdout}\n`,
  );
  const env = { PG_HOST: postgres.host, PG_PORT: String(postgres.port), PG_PASSWORD: postgres.password };
  const { stdout } = await desk.ok(['run', 'secret.yml.liquid'], { env });
  assert.is(stdout, '1,one\n2,two\n');
});

test.run();
