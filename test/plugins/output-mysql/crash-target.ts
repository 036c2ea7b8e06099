import type { MysqlServer } from '../../servers/mysql-family.js';
import type { CrashTarget } from '../shared/sql-output/crash-target.js';

/** A database of its own. */
export async function mysqlCrashTarget(server: MysqlServer): Promise<CrashTarget> {
  const database = await server.createDatabase();
  // The server may have crashed since the last question.
  const ask = async (sql: string): Promise<unknown[][]> => {
    const connection = await server.connect(database);
    try {
      const [rows] = await connection.query({ sql, rowsAsArray: true });
      return Array.isArray(rows) ? (rows as unknown[][]) : [];
    } finally {
      await connection.end();
    }
  };
  return {
    connection: { type: 'mysql', host: server.host, port: server.port, user: server.user, database },
    password: server.password,
    port: server.port,
    values: async (sql) => (await ask(sql)).map((row) => String(row[0])),
    run: async (sql) => void (await ask(sql)),
    crash: () => server.restart('crash'),
    close: () => Promise.resolve(),
  };
}
