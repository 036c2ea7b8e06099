import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../../src/core/duckdb/index.js';
import { openMetastore } from '../../../src/metastore/index.js';
import type { MetastoreOptions } from '../../../src/metastore/types.js';
import { openWarehouse } from '../../../src/warehouse/index.js';
import { startPostgres } from '../../servers/postgres.js';

const WRITERS = 4;
const COMMITS = 4;
const KEYS = 20;

/** Every writer merges the same keys again and again, each with a metastore connection of its own. */
async function race(options: MetastoreOptions, dir: string): Promise<void> {
  const clock = { now: () => Date.now(), sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) };
  const stores = await Promise.all(Array.from({ length: WRITERS }, () => openMetastore({ ...options, catalogName: 'lake' })));
  const houses = stores.map((metastore) => openWarehouse({ metastore, root: `file://${dir}/wh`, clock, log: { log: () => undefined } }));
  const database = await openDatabase();
  await Promise.all(
    houses.map(async (warehouse, w) => {
      const sql = await database.connect();
      for (let k = 0; k < COMMITS; k++) {
        const runId = `w${w}-${k}`;
        const schema = [
          { name: 'id', type: 'long' },
          { name: 'by', type: 'string' },
        ];
        const plan = await warehouse.planWrite({ table: 'shop.t', schema, mode: 'merge', mergeKeys: ['id'], partitionBy: ['bucket(3, id)'] });
        const tools = { runId, task: 0, sql, record: () => Promise.resolve(), reach: () => undefined };
        const select = `SELECT i AS id, '${runId}' AS by, 0 AS st FROM range(${w}, ${w + KEYS}) r(i)`;
        const report = await warehouse.stageFiles(plan, { select, statusColumn: 'st' }, tools);
        await warehouse.commitWrites({ plan, staged: [report], rejects: [] }, { runId, reach: () => undefined, within: () => Promise.resolve() });
      }
      sql.close();
    }),
  );
  const [warehouse] = houses;
  const result = await warehouse?.query('SELECT count(*) AS n, count(DISTINCT id) AS ids FROM shop.t');
  const found: unknown[] = [];
  for await (const columns of result?.chunks() ?? []) found.push(columns.map(([value]) => Number(value)));
  await result?.close();
  assert.equal(found, [[KEYS + WRITERS - 1, KEYS + WRITERS - 1]]);
  const loaded = await warehouse?.catalog.loadTable('shop.t');
  assert.is(loaded?.metadata.snapshots.length, WRITERS * COMMITS);
  assert.is(loaded?.metadata.snapshots.at(-1)?.summary['total-records'], String(KEYS + WRITERS - 1));
  for (const house of houses) await house.closeSql();
  for (const store of stores) await store.close();
  database.close();
}

test('merges at once over SQLite: one row a key, one snapshot a run', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-merges-'));
  try {
    await race({ url: `sqlite:${dir}/meta.db` }, dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('merges at once over PostgreSQL', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-merges-'));
  const server = await startPostgres();
  try {
    const url = new URL(server.url);
    url.password = '';
    await race({ url: url.href, password: server.password }, dir);
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});

test.run();
