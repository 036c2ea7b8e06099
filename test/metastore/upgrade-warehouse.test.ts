import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openConnection } from '../../src/metastore/open-connection.js';
import { insertRows, textOf, type SqlValue } from '../../src/metastore/connection.js';
import { migrate } from '../../src/metastore/migrate.js';
import { MIGRATIONS } from '../../src/metastore/migrations/index.js';
import { csv, Desk, ORDERS } from '../cli/desk.js';

/** A project in use, as a release with fewer migrations has left it, is opened by this one: everything is there and goes on. */
const test = suite('upgrade of a warehouse');

/** Puts a metastore of the first `count` migrations in the place of the project's, with all its rows that this one can hold. */
async function makeOlder(folder: string, count: number): Promise<void> {
  const file = join(folder, '.sluice', 'metastore.db');
  const older = join(folder, '.sluice', 'older.db');
  const [from, to] = [await openConnection({ url: `sqlite:${file}` }), await openConnection({ url: `sqlite:${older}` })];
  try {
    await migrate(to, MIGRATIONS.slice(0, count));
    const tables = (await to.reader.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")).map((row) =>
      textOf(row, 'name'),
    );
    await to.transaction(async (tx) => {
      for (const table of tables.filter((name) => name !== 'sluice_migrations')) {
        const columns = (await to.reader.all(`SELECT name FROM pragma_table_info('${table}')`)).map((row) => textOf(row, 'name'));
        const rows = await from.reader.all(`SELECT ${columns.join(', ')} FROM ${table}`);
        await tx.run(`DELETE FROM ${table}`);
        await insertRows(
          tx,
          `INSERT INTO ${table} (${columns.join(', ')})`,
          rows.map((row) => columns.map((column) => row[column] as SqlValue)),
          '',
        );
      }
    });
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
  renameSync(older, file);
}

async function versionOf(folder: string): Promise<number> {
  const connection = await openConnection({ url: `sqlite:${join(folder, '.sluice', 'metastore.db')}` });
  try {
    return Number((await connection.reader.get('SELECT MAX(version) AS version FROM sluice_migrations'))?.['version']);
  } finally {
    await connection.close();
  }
}

for (let count = 1; count < MIGRATIONS.length; count++) {
  test(`written with the migrations up to ${MIGRATIONS[count - 1]?.name ?? ''}`, async () => {
    const desk = new Desk();
    try {
      desk.write('sluice.yml', "name: old\nschedules:\n  orders: {cron: '30 2 * * *', pipeline: pipelines/orders.yml}\n");
      desk.write('pipelines/orders.yml', `${ORDERS}exec: {max_rejects: 1}\n`);
      desk.write('data/orders_1.csv', csv(1, 2, 'bad'));
      await desk.ok(['run', 'pipelines/orders.yml']);
      await desk.ok(['query', 'CREATE VIEW shop.big AS SELECT * FROM shop.orders WHERE id > 1']);
      await desk.ok(['query', 'CREATE TABLE shop.copy AS SELECT id FROM shop.orders']);
      await desk.ok(['query', 'INSERT INTO shop.copy SELECT 9']);
      await desk.ok(['drop', 'shop.copy', '--yes']);
      const runs = async (): Promise<readonly unknown[]> => desk.json(['runs']);
      const before = await runs();
      await makeOlder(desk.folder, count);
      assert.is(await versionOf(desk.folder), count);

      assert.equal(await runs(), before);
      assert.is(await versionOf(desk.folder), MIGRATIONS.length);
      const ids = async (from: string): Promise<unknown> =>
        (await desk.ok(['query', '--format', 'csv', `SELECT id FROM ${from} ORDER BY id`])).stdout.trim().split('\n').slice(1).join(' ');
      assert.is(await ids('shop.orders'), '1 2');
      assert.is(await ids('shop.big'), '2');
      await desk.ok(['undrop', 'shop.copy']);
      assert.is(await ids('shop.copy'), '1 2 9');
      assert.match((await desk.ok(['query', '--format', 'csv', 'SELECT raw FROM shop.orders__rejects'])).stdout, 'bad,1.50');

      // The state holds: only what is new is loaded, now as a job of this release.
      desk.write('data/orders_2.csv', csv(3));
      assert.match((await desk.ok(['schedule', 'run', 'orders'])).stderr, 'success, 1 row');
      assert.is(await ids('shop.orders'), '1 2 3');
      await desk.ok(['maintain']);
      const [latest] = (await runs()) as readonly { run_id: string }[];
      await desk.ok(['undo', latest?.run_id ?? '', '--yes']);
      assert.is(await ids('shop.orders'), '1 2');
    } finally {
      desk.remove();
    }
  });
}

test.run();
