import { readFileSync } from 'node:fs';
import pg from 'pg';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from '../engine/project.js';
import { startGoogleAnalytics } from '../servers/google-analytics.js';
import { startMariadb } from '../servers/mariadb.js';
import { startPostgres } from '../servers/postgres.js';

/** The configs of configs/servers for databases and Google Analytics run as they stand; the others are run by the tests of their plugins. */
const test = suite<{ project: TestProject }>('configs/servers');

test.before.each((bench) => {
  bench.project = new TestProject();
});
test.after.each(({ project }) => project.remove());

async function run(project: TestProject, name: string, env: Record<string, string>): Promise<{ status: string; written: number }> {
  project.write('p.yml', readFileSync(new URL(`../../configs/servers/${name}.yml`, import.meta.url)));
  const { code, stdout, stderr } = await project.sluice(['run', 'p.yml', '--json'], { env });
  assert.is(code, 0, stdout + stderr);
  return (JSON.parse(stdout) as { pipelines: [{ status: string; written: number }] }).pipelines[0];
}

const ORDERS = `CREATE TABLE orders (id bigint PRIMARY KEY, updated_at timestamp NOT NULL);
INSERT INTO orders VALUES (1, '2026-01-01 10:00:00'), (2, '2026-01-01 10:09:00')`;

test('PostgreSQL', async ({ project }) => {
  const server = await startPostgres();
  const client = new pg.Client(server.url);
  try {
    await client.connect();
    await client.query(ORDERS);
    const env = {
      PG_HOST: '127.0.0.1',
      PG_PORT: String(server.port),
      PG_USER: server.user,
      PG_SECRET: server.password,
      PG_DATABASE: server.database,
    };
    assert.is((await run(project, 'input-postgresql', env)).written, 2);
    await client.query("INSERT INTO orders VALUES (3, '2026-01-01 10:05:00')");
    assert.is((await run(project, 'input-postgresql', env)).written, 1);
    assert.is((await run(project, 'output-postgresql', env)).written, 2);
    assert.equal((await client.query('SELECT id, price::text FROM prices ORDER BY id')).rows, [
      { id: '1', price: '10.50' },
      { id: '2', price: '0.99' },
    ]);
  } finally {
    await client.end();
    await server.stop();
  }
});

test('MySQL', async ({ project }) => {
  const server = await startMariadb();
  try {
    await server.run(ORDERS);
    const env = {
      MYSQL_HOST: server.host,
      MYSQL_PORT: String(server.port),
      MYSQL_USER: server.user,
      MYSQL_SECRET: server.password,
      MYSQL_DATABASE: server.database,
    };
    assert.is((await run(project, 'input-mysql', env)).written, 2);
    await server.run("INSERT INTO orders VALUES (3, '2026-01-01 10:05:00')");
    assert.is((await run(project, 'input-mysql', env)).written, 1);
    assert.is((await run(project, 'output-mysql', env)).written, 2);
    const connection = await server.connect();
    const [rows] = await connection.query({ sql: 'SELECT id, price FROM prices ORDER BY id', rowsAsArray: true });
    await connection.end();
    assert.equal(rows, [
      ['1', '10.50'],
      ['2', '0.99'],
    ]);
  } finally {
    await server.stop();
  }
});

test('Google Analytics', async ({ project }) => {
  const server = await startGoogleAnalytics();
  try {
    const day = new Date(Date.now() - 6 * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
    server.property.hits = [9, 1].map((eventCount) => ({ minute: `${day}1200`, dimensions: { country: 'Japan' }, metrics: { eventCount } }));
    project.write('sluice.yml', `defaults: {in: {google_analytics: {endpoint: "${server.url}"}}}\n`);
    const env = { GA_PROPERTY: '123456789', GA_KEY: server.key };
    assert.is((await run(project, 'input-google-analytics', env)).written, 1);
    assert.is((await run(project, 'input-google-analytics', env)).written, 0);
  } finally {
    await server.stop();
  }
});

test.run();
