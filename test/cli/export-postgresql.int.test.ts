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

test('--diff delivers changes and deletions; cut off between target and record, the next start completes it', async (bench) => {
  const { desk, server } = bench;
  const to = `postgresql://${server.user}@127.0.0.1:${server.port}/${server.database}/orders?mode=merge&keys=id`;
  const env = { SLUICE_PASSWORD: server.password };
  const args = ['export', 'select id, amount from shop.orders', '--to', to, '--diff'];
  const written = async (): Promise<number> => {
    const { stdout } = await desk.ok([...args, '--json'], { env });
    return (JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { pipelines: { written: number }[] }).pipelines[0]?.written ?? -1;
  };
  const ids = async (): Promise<unknown> => (await rows(bench, 'select id::int from orders order by id')).flat();
  assert.is(await written(), 3);
  await desk.ok(['query', 'DELETE FROM shop.orders WHERE id = 2']);
  assert.is(await written(), 1);
  assert.equal(await ids(), [1, 3]);
  await desk.ok(['query', 'DELETE FROM shop.orders WHERE id = 3; INSERT INTO shop.orders VALUES (7, 7.00)']);
  let cut = false;
  const stopped = await desk.sluice(args, {
    env,
    reach(point) {
      if (point !== 'commit.target_committed' || cut) return;
      cut = true;
      throw new Error('cut off');
    },
  });
  assert.is.not(stopped.code, 0);
  assert.equal(await ids(), [1, 7], 'the target has committed');
  await written();
  assert.is(await written(), 0);
  assert.equal(await ids(), [1, 7]);
});

test.run();
