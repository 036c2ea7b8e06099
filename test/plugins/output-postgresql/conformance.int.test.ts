import { test } from 'uvu';
import { checkOutput } from '../../../src/conformance/index.js';
import postgresqlOutput from '../../../src/plugins/output-postgresql/index.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

let server: PostgresServer;
test.before(async () => {
  server = await startPostgres();
});
test.after(() => server.stop());

test('output postgresql keeps its contract', async () => {
  const { host, port, user, password, database } = server;
  const connection = { host, port, user, password, database, table: 'values' };
  await checkOutput(postgresqlOutput, [
    { title: 'append', config: { ...connection, mode: 'append' } },
    { title: 'truncate', config: { ...connection, mode: 'truncate' } },
    { title: 'replace', config: { ...connection, mode: 'replace' } },
    { title: 'merge', config: { ...connection, mode: 'merge', keys: ['id'] }, columns: [{ name: 'id', type: 'long' }] },
    { title: 'merge without keys', config: { ...connection, mode: 'merge' }, error: 'MERGE_KEYS' },
    { title: 'a schema that is missing', config: { ...connection, schema: 'none', mode: 'append' }, error: 'TARGET_SCHEMA_MISSING' },
    { title: 'a wrong password', config: { ...connection, password: 'wrong-canary', mode: 'append' }, error: 'SQL_LOGIN' },
    {
      title: 'a column that is not there',
      config: { ...connection, mode: 'append', column_options: { none: { type: 'int' } } },
      error: 'TARGET_COLUMN_OPTION',
    },
    { title: 'no delete column', config: { ...connection, mode: 'merge', keys: ['id'], delete_column: 'gone' }, error: 'DELETE_COLUMN' },
  ]);
});

test.run();
