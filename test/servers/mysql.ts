import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { testCacheFolder } from './cache.js';
import { accountOptions, mysqlPassword, runProgram, startMysqlProgram, type MysqlOptions, type MysqlServer } from './mysql-family.js';

/**
 * Starts an empty MySQL 8 of its own on a random free port; it ends with this process at the latest. Beside the users of
 * {@link MysqlServer} there is `native`, who logs in with mysql_native_password.
 */
export async function startMysql(options: MysqlOptions = {}): Promise<MysqlServer> {
  const home = mysqlHome();
  const server = join(home, 'bin', 'mysqld');
  const folders = [`--basedir=${home}`, `--lc-messages-dir=${join(home, 'share')}`];
  return startMysqlProgram(
    {
      product: 'MySQL',
      server,
      statements: [`CREATE USER 'native'@'%' IDENTIFIED WITH mysql_native_password BY '${mysqlPassword}'`, `GRANT ALL ON *.* TO 'native'@'%'`],
      settings: [...folders, '--mysqlx=0', '--skip-log-bin', '--performance-schema=0', '--secure-file-priv='],
      ownFiles: ['auto.cnf'],
      async initialise(data, statements, settings) {
        const initFile = join(dirname(data), 'init.sql');
        await writeFile(initFile, statements.map((statement) => `${statement};\n`).join(''));
        const making = [`--datadir=${data}`, `--init-file=${initFile}`, '--initialize-insecure'];
        await runProgram(server, [...accountOptions(), ...folders, ...settings, ...making], dirname(data));
      },
    },
    options,
  );
}

/** Folder with `bin/mysqld`, as installed by scripts/setup-tests.sh. */
function mysqlHome(): string {
  const named = process.env['SLUICE_TEST_MYSQL_HOME'];
  if (named !== undefined) return named;
  const record = join(testCacheFolder(), 'mysql-home');
  const folder = existsSync(record) ? readFileSync(record, 'utf8').trim() : '';
  if (folder === '' || !existsSync(join(folder, 'bin', 'mysqld'))) throw new Error('no MySQL server: run scripts/setup-tests.sh');
  return folder;
}
