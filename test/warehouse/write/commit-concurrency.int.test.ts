import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../../src/core/duckdb/index.js';
import { openMetastore } from '../../../src/metastore/index.js';
import type { MetastoreOptions } from '../../../src/metastore/types.js';
import { openWarehouse, type Warehouse } from '../../../src/warehouse/index.js';
import { startPostgres } from '../../servers/postgres.js';

const WRITERS = 5;
const COMMITS = 5;

/** Each writer has a metastore connection of its own, as a process of its own would. */
async function race(metastoreOptions: MetastoreOptions, dir: string): Promise<void> {
  const clock = { now: () => Date.now(), sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) };
  const stores = await Promise.all(Array.from({ length: WRITERS }, () => openMetastore({ ...metastoreOptions, catalogName: 'lake' })));
  const database = await openDatabase();
  const warehouses = stores.map((metastore): Warehouse =>
    openWarehouse({ metastore, root: `file://${dir}/wh`, clock, log: { log: () => undefined } }),
  );
  let visible = 0;
  let running = true;
  const watch = async (): Promise<void> => {
    while (running) {
      const table = await (warehouses[0] as Warehouse).catalog.findTable('shop.t');
      const total = Number(table?.metadata.snapshots.at(-1)?.summary['total-records'] ?? 0);
      assert.is(total % 2, 0, 'a reader saw half a commit');
      assert.ok(total >= visible, 'a reader saw an older table');
      visible = total;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const watcher = watch();
  await Promise.all(
    warehouses.map(async (warehouse, w) => {
      const sql = await database.connect();
      for (let k = 0; k < COMMITS; k++) {
        const plan = await warehouse.planWrite({ table: 'shop.t', schema: [{ name: 'id', type: 'long' }], mode: 'append' });
        const id = w * COMMITS + k;
        const tools = { runId: `w${w}-${k}`, task: 0, sql, record: () => Promise.resolve(), reach: () => undefined };
        const report = await warehouse.stageFiles(plan, { select: `SELECT unnest([${id}, ${id}]) AS id, 0 AS st`, statusColumn: 'st' }, tools);
        await warehouse.commitWrites(
          { plan, staged: [report], rejects: [] },
          { runId: tools.runId, reach: () => undefined, within: () => Promise.resolve() },
        );
      }
      sql.close();
    }),
  );
  running = false;
  await watcher;
  const table = await (warehouses[0] as Warehouse).catalog.loadTable('shop.t');
  const snapshots = table.metadata.snapshots;
  assert.is(snapshots.length, WRITERS * COMMITS);
  assert.is(new Set(snapshots.map((s) => s.summary['sluice.run-id'])).size, WRITERS * COMMITS);
  assert.is(snapshots.at(-1)?.summary['total-records'], String(2 * WRITERS * COMMITS));
  database.close();
  for (const store of stores) await store.close();
}

test('SQLite: no commit of five writers is lost, also while the table is made', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-race-'));
  await race({ url: `sqlite:${dir}/meta.db` }, dir);
  rmSync(dir, { recursive: true });
});

test('PostgreSQL: the same', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-race-'));
  const server = await startPostgres();
  try {
    const url = new URL(server.url);
    const password = url.password;
    url.password = '';
    await race({ url: url.href, password }, dir);
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true });
  }
});

test.run();
