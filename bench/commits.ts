import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/core/duckdb/index.js';
import { openMetastore } from '../src/metastore/index.js';
import { openWarehouse } from '../src/warehouse/index.js';
import { median } from './measure.js';

const SELECT = "SELECT 1::BIGINT AS id, 'a' AS name, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS at, 0 AS st";
const SCHEMA = [
  { name: 'id', type: 'long' },
  { name: 'name', type: 'string' },
  { name: 'at', type: 'timestamp' },
];

/**
 * What a commit costs while a table grows: `count` appends of one row with the default upkeep, on SQLite. Medians in milliseconds
 * of the commits 40 to 60 and of the last 20; staging does not count, upkeep does.
 */
export async function commitGrowth(count: number): Promise<{ readonly early: number; readonly late: number }> {
  const folder = mkdtempSync(join(process.env['SLUICE_BENCH_TMP'] ?? tmpdir(), 'sluice-bench-commits-'));
  const metastore = await openMetastore({ url: `sqlite:${join(folder, 'meta.db')}` });
  const clock = { now: Date.now, sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) };
  const warehouse = openWarehouse({ metastore, root: `file://${folder}/warehouse`, clock, log: { log: () => undefined } });
  const database = await openDatabase({ threads: 1 });
  const sql = await database.connect();
  try {
    const millis: number[] = [];
    const reach = (): void => undefined;
    for (let i = 0; i < count; i++) {
      const runId = `bench-${i}`;
      const plan = await warehouse.planWrite({ table: 'bench.commits', schema: SCHEMA, mode: 'append' });
      const relation = { select: SELECT, statusColumn: 'st' };
      const staged = await warehouse.stageFiles(plan, relation, { runId, task: 0, sql, record: () => Promise.resolve(), reach });
      const started = performance.now();
      const commit = await warehouse.commitWrites({ plan, staged: [staged], rejects: [] }, { runId, reach, within: () => Promise.resolve() });
      await commit.upkeep();
      millis.push(performance.now() - started);
    }
    return { early: median(millis.slice(39, 60)), late: median(millis.slice(-20)) };
  } finally {
    sql.close();
    database.close();
    await warehouse.closeSql();
    await metastore.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
