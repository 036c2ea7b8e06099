import { test } from 'uvu';
import pg from 'pg';
import type { CrashTarget } from '../shared/sql-output/crash-target.js';
import { addEarlyTests } from '../shared/sql-output/early-runs.js';
import { addEarlyWriterTests } from '../shared/sql-output/early-writer.js';
import postgresqlOutput from '../../../src/plugins/output-postgresql/index.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

let server: PostgresServer;
test.before(async () => {
  server = await startPostgres();
});
test.after(() => server.stop());

async function open(): Promise<CrashTarget> {
  const url = await server.createDatabase();
  // The server may have crashed since.
  const ask = async (sql: string): Promise<pg.QueryResult> => {
    const client = new pg.Client(url);
    await client.connect();
    try {
      return await client.query({ text: sql, rowMode: 'array' });
    } finally {
      await client.end();
    }
  };
  return {
    connection: { type: 'postgresql', host: server.host, port: server.port, user: server.user, database: new URL(url).pathname.slice(1) },
    password: server.password,
    port: server.port,
    values: async (sql) => (await ask(sql)).rows.map((row: unknown[]) => String(row[0])),
    run: async (sql) => void (await ask(sql)),
    crash: () => server.restart('immediate'),
    close: () => Promise.resolve(),
  };
}

addEarlyTests(test, open);
addEarlyWriterTests(test, postgresqlOutput, open, [
  "CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
  'CREATE TRIGGER same BEFORE INSERT ON t FOR EACH ROW EXECUTE PROCEDURE same()',
]);
test.run();
