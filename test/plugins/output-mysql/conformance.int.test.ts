import { test } from 'uvu';
import { checkOutput } from '../../../src/conformance/index.js';
import mysqlOutput from '../../../src/plugins/output-mysql/index.js';
import { startMariadb } from '../../servers/mariadb.js';
import { startMysql } from '../../servers/mysql.js';

for (const start of [startMysql, startMariadb]) {
  test(`output mysql keeps its contract, ${start === startMysql ? 'MySQL' : 'MariaDB'}`, async () => {
    const server = await start();
    try {
      const { host, port, user, password, database } = server;
      const connection = { host, port, user, password, database, table: 'values' };
      await checkOutput(mysqlOutput, [
        { title: 'append', config: { ...connection, mode: 'append' } },
        { title: 'truncate', config: { ...connection, mode: 'truncate' } },
        { title: 'replace', config: { ...connection, mode: 'replace' } },
        { title: 'merge', config: { ...connection, mode: 'merge', keys: ['id'] }, columns: [{ name: 'id', type: 'long' }] },
        { title: 'merge without keys', config: { ...connection, mode: 'merge' }, error: 'MERGE_KEYS' },
        { title: 'a database that is missing', config: { ...connection, table: 'none.values', mode: 'append' }, error: 'TARGET_SCHEMA_MISSING' },
        { title: 'a wrong password', config: { ...connection, password: 'wrong-canary', mode: 'append' }, error: 'SQL_LOGIN' },
        { title: 'keys without merge', config: { ...connection, mode: 'append', keys: ['id'] }, error: 'MERGE_ONLY' },
      ]);
    } finally {
      await server.stop();
    }
  });
}

test.run();
