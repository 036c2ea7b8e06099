import { test } from 'uvu';
import { addCrashTests } from '../shared/sql-output/crash-target.js';
import { postgresqlCrashTarget } from './crash-target.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

let server: PostgresServer;
test.before(async () => {
  server = await startPostgres();
});
test.after(() => server.stop());

addCrashTests(test, () => postgresqlCrashTarget(server));
test.run();
