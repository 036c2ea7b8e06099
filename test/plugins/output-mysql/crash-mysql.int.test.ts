import { test } from 'uvu';
import { addCrashTests } from '../shared/sql-output/crash-target.js';
import { startMysql } from '../../servers/mysql.js';
import type { MysqlServer } from '../../servers/mysql-family.js';
import { mysqlCrashTarget } from './crash-target.js';

let server: MysqlServer;
test.before(async () => {
  // A commit that the server may forget in a crash is none.
  server = await startMysql({ settings: { 'innodb-flush-log-at-trx-commit': '2' } });
});
test.after(() => server.stop());

addCrashTests(test, () => mysqlCrashTarget(server));
test.run();
