import { test } from 'uvu';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';
import { testConcurrency } from './concurrency.js';
import { postgresqlProject } from './postgresql-project.js';

let server: PostgresServer;

test.before(async () => {
  server = await startPostgres();
});

test.after(() => server.stop());

testConcurrency(async () => postgresqlProject(server, await server.createDatabase()));
test.run();
