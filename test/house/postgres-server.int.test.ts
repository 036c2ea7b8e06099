import { existsSync } from 'node:fs';
import pg from 'pg';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startPostgres } from '../servers/postgres.js';

async function queryOne(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ value: unknown }>(sql);
    return rows[0]?.value;
  } finally {
    await client.end();
  }
}

test('a server starts, keeps its data over a crash and leaves nothing behind', async () => {
  const server = await startPostgres();
  try {
    const url = await server.createDatabase('odd "name"');
    await queryOne(url, 'create table kept as select 7 as value');
    await server.restart('fast');
    assert.is(await queryOne(url, 'select value from kept'), 7);
    await server.restart('immediate');
    assert.match(server.log(), /database system was not properly shut down/);
    assert.is(await queryOne(url, 'select current_database() as value'), 'odd "name"');
  } finally {
    await server.stop();
  }
  assert.not.ok(existsSync(server.caFile));
  const refused = await queryOne(server.url, 'select 1 as value').then(
    () => 'connected',
    (error: NodeJS.ErrnoException) => error.code,
  );
  assert.is(refused, 'ECONNREFUSED');
});

test.run();
