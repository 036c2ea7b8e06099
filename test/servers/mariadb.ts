import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { testCacheFolder } from './cache.js';
import { accountOptions, runProgram, startMysqlProgram, type MysqlOptions, type MysqlServer } from './mysql-family.js';

/** Starts an empty MariaDB of its own on a random free port; it ends with this process at the latest. */
export async function startMariadb(options: MysqlOptions = {}): Promise<MysqlServer> {
  const server = mariadbServer();
  return startMysqlProgram(
    {
      product: 'MariaDB',
      server,
      statements: [],
      settings: ['--innodb-doublewrite=0'],
      ownFiles: [],
      async initialise(data, statements, settings) {
        const making = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'];
        await runProgram('mariadb-install-db', [...accountOptions(), `--datadir=${data}`, ...making], dirname(data));
        // A server that only reads its standard input knows no privileges until it is told to load them.
        const script = ['USE mysql', 'FLUSH PRIVILEGES', ...statements].map((statement) => `${statement};\n`).join('');
        await runProgram(server, [...accountOptions(), ...settings, `--datadir=${data}`, '--bootstrap'], dirname(data), script);
      },
    },
    options,
  );
}

/** The server's program, as found or installed by scripts/setup-tests.sh. */
function mariadbServer(): string {
  const named = process.env['SLUICE_TEST_MARIADBD'];
  if (named !== undefined) return named;
  const record = join(testCacheFolder(), 'mariadb-server');
  const path = existsSync(record) ? readFileSync(record, 'utf8').trim() : '';
  if (path === '' || !existsSync(path)) throw new Error('no MariaDB server: run scripts/setup-tests.sh');
  return path;
}
