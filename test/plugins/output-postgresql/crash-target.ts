import pg from 'pg';
import type { CrashTarget } from '../shared/sql-output/crash-target.js';
import type { PostgresServer } from '../../servers/postgres.js';

/** A database of its own. */
export async function postgresqlCrashTarget(server: PostgresServer): Promise<CrashTarget> {
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
