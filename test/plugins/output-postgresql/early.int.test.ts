import { test } from 'uvu';
import { addEarlyTests } from '../shared/sql-output/early-runs.js';
import { addEarlyWriterTests } from '../shared/sql-output/early-writer.js';
import postgresqlOutput from '../../../src/plugins/output-postgresql/index.js';
import { postgresqlCrashTarget } from './crash-target.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

let server: PostgresServer;
test.before(async () => {
  server = await startPostgres();
});
test.after(() => server.stop());

addEarlyTests(test, () => postgresqlCrashTarget(server));
addEarlyWriterTests(test, postgresqlOutput, () => postgresqlCrashTarget(server), [
  "CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
  'CREATE TRIGGER same BEFORE INSERT ON t FOR EACH ROW EXECUTE PROCEDURE same()',
]);
test.run();
