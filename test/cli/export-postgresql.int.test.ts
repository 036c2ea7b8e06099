import { chmodSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import pg from 'pg';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';
import { Desk, ORDERS, csv } from './desk.js';

interface Bench {
  server: PostgresServer;
  client: pg.Client;
  desk: Desk;
}

const test = suite<Bench>('sluice export to PostgreSQL');
test.before(async (bench) => {
  bench.server = await startPostgres();
  bench.client = new pg.Client(bench.server.url);
  await bench.client.connect();
});
test.after(async (bench) => {
  await bench.client.end();
  await bench.server.stop();
});
test.before.each(async (bench) => {
  bench.desk = new Desk();
  bench.desk.write('orders.yml', ORDERS);
  bench.desk.write('data/orders_1.csv', csv(1, 2, 3));
  await bench.desk.ok(['run', 'orders.yml']);
});
test.after.each(async (bench) => {
  bench.desk.remove();
  await bench.client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
});

async function rows({ client }: Bench, sql: string): Promise<unknown[]> {
  return (await client.query({ text: sql, rowMode: 'array' })).rows;
}

test('the password comes from the URL, SLUICE_PASSWORD or pgpass; update&unique is a merge', async (bench) => {
  const { desk, server } = bench;
  const place = `127.0.0.1:${server.port}/${server.database}/orders`;
  await desk.ok([
    'export',
    'select id, amount from shop.orders',
    '--to',
    `postgresql://${server.user}:${encodeURIComponent(server.password)}@${place}?mode=append`,
  ]);
  assert.equal(await rows(bench, 'select count(*)::int from orders'), [[3]]);
  const merge = `postgresql://${server.user}@${place}?mode=update&unique=id`;
  await desk.ok(['export', 'select id, amount * 2 as amount from shop.orders where id >= 2 union all select 9, 9', '--to', merge], {
    env: { SLUICE_PASSWORD: server.password },
  });
  assert.equal(await rows(bench, 'select id::int, amount::text from orders order by id'), [
    [1, '1.50'],
    [2, '3.00'],
    [3, '3.00'],
    [9, '9.00'],
  ]);
  const file = desk.write('pgpass', `127.0.0.1:${server.port}:*:${server.user}:${server.password}\n`);
  chmodSync(file, 0o600);
  await desk.ok(['export', 'select 9 as id, 10 as amount', '--to', merge], { env: { PGPASSFILE: file } });
  assert.equal(await rows(bench, 'select amount::text from orders where id = 9'), [['10.00']]);
});

test('a named connection holds host, user and secret', async (bench) => {
  const { desk, server } = bench;
  desk.write(
    'sluice.yml',
    `connections:\n  dwh: {type: postgresql, host: 127.0.0.1, port: ${server.port}, user: ${server.user}, database: ${server.database}, password: {env: DWH}}\n`,
  );
  await desk.ok(['export', 'select * from shop.orders', '--connection', 'dwh:orders?mode=replace'], { env: { DWH: server.password } });
  assert.equal(await rows(bench, 'select count(*)::int from orders'), [[3]]);
});

test.run();
