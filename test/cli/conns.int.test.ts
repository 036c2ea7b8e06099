import { test } from 'uvu';
import * as assert from 'uvu/assert';
import pg from 'pg';
import { TestProject } from '../engine/project.js';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';

let server: PostgresServer;
let project: TestProject;
const env = { DB_PASSWORD: '' };

test.before(async () => {
  server = await startPostgres();
  env.DB_PASSWORD = server.password;
  project = new TestProject();
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query(
    'CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric(12,2), updated_at timestamptz NOT NULL); CREATE TABLE "Order Items" (id int)',
  );
  await client.query("INSERT INTO orders SELECT i, i, timestamptz '2024-01-01' + i * interval '1 hour' FROM generate_series(1, 500) AS i; ANALYZE");
  await client.end();
  const shop = `type: postgresql, host: 127.0.0.1, port: ${server.port}, user: ${server.user}, database: ${server.database}`;
  project.write(
    'sluice.yml',
    `connections:\n  shop: {${shop}, password: {command: "printf %s ${server.password}"}}\n  broken: {${shop}, password: {env: DB_PASSWORD_WRONG}}\n`,
  );
});
test.after(async () => {
  project.remove();
  await server.stop();
});

test('list shows names, types and places, and no secret', async () => {
  const { code, stdout } = await project.sluice(['conns', 'list']);
  assert.is(code, 0);
  assert.match(stdout, /shop\s+postgresql\s+127\.0\.0\.1:\d+\/postgres/);
  assert.not.match(stdout, server.password);
});

test('test connects, names the server, and says what is wrong with which', async () => {
  const good = await project.sluice(['conns', 'test', 'shop'], { env });
  assert.is(good.code, 0, good.stderr);
  assert.match(good.stdout, /shop: ok, PostgreSQL \d+/);
  const bad = await project.sluice(['conns', 'test'], { env: { DB_PASSWORD_WRONG: 'no-such-password' } });
  assert.is(bad.code, 4);
  assert.match(bad.stdout, 'shop: ok');
  assert.match(bad.stderr, 'SQL_LOGIN');
  assert.not.match(bad.stderr, 'no-such-password');
  const unknown = await project.sluice(['conns', 'test', 'shopp']);
  assert.match(unknown.stderr, 'did you mean "shop"');
});

test('discover lists tables with keys and estimates, and the columns of one', async () => {
  const { stdout } = await project.sluice(['conns', 'discover', 'shop'], { env });
  assert.match(stdout, /orders\s+table\s+~500\s+id\s+3/);
  const one = await project.sluice(['conns', 'discover', 'shop', 'orders'], { env });
  assert.match(one.stdout, /amount\s+numeric\(12,2\)\s+decimal\(12,2\)/);
  const none = await project.sluice(['conns', 'discover', 'shop', 'ordesr'], { env });
  assert.is(none.code, 2);
  assert.match(none.stderr, 'did you mean');
});

test('guess completes a seed that names a connection, and the config it writes runs', async () => {
  project.write('seed.yml', 'in: {connection: shop, table: orders}\n');
  const { code, stderr } = await project.sluice(['guess', 'seed.yml', '-o', 'orders.yml'], { env });
  assert.is(code, 0, stderr);
  const run = await project.sluice(['run', 'orders.yml', '--json'], { env });
  assert.is(run.code, 0, run.stdout + run.stderr);
  assert.equal(await project.query('SELECT count(*) AS n FROM orders'), [{ n: 500 }]);
  const preview = await project.sluice(['preview', 'orders.yml'], { env });
  assert.is(preview.code, 0, preview.stderr);
  assert.match(preview.stdout, 'amount');
});

test.run();
