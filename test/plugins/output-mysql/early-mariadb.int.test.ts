import { test } from 'uvu';
import mysqlOutput from '../../../src/plugins/output-mysql/index.js';
import { addEarlyTests } from '../shared/sql-output/early-runs.js';
import { addEarlyWriterTests } from '../shared/sql-output/early-writer.js';
import { startMariadb } from '../../servers/mariadb.js';
import type { MysqlServer } from '../../servers/mysql-family.js';
import { mysqlCrashTarget } from './crash-target.js';

let server: MysqlServer;
test.before(async () => {
  // A commit that the server may forget in a crash is none.
  server = await startMariadb({ settings: { 'innodb-flush-log-at-trx-commit': '2' } });
});
test.after(() => server.stop());

addEarlyTests(test, () => mysqlCrashTarget(server));
addEarlyWriterTests(test, mysqlOutput, () => mysqlCrashTarget(server), [
  'CREATE TRIGGER same BEFORE INSERT ON t FOR EACH ROW SET NEW.name = NEW.name',
]);
test.run();
