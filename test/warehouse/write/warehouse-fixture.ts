import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database, type DuckConnection } from '../../../src/core/duckdb/index.js';
import type { JsonObject, StageReport, StoreTransaction } from '../../../src/core/spi/index.js';
import { openMetastore } from '../../../src/metastore/index.js';
import type { Metastore } from '../../../src/metastore/types.js';
import { openWarehouse, type Warehouse, type WriteCommit, type WritePlan, type WriteRequest } from '../../../src/warehouse/index.js';

/** A warehouse in a temporary folder, with a clock that only the test moves. */
export interface Fixture {
  readonly dir: string;
  readonly metastore: Metastore;
  readonly warehouse: Warehouse;
  readonly sql: DuckConnection;
  readonly points: string[];
  time: number;
  /** Another warehouse on the same metastore, as another process would have. */
  reopen(): Warehouse;
  close(): Promise<void>;
}

export async function openFixture(): Promise<Fixture> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-warehouse-'));
  const metastore = await openMetastore({ url: `sqlite:${dir}/meta.db`, catalogName: 'lake' });
  const database: Database = await openDatabase();
  const sql = await database.connect();
  const points: string[] = [];
  const fixture = { dir, metastore, sql, points, time: Date.UTC(2026, 0, 1) };
  const clock = { now: () => fixture.time, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  const reopen = (): Warehouse => openWarehouse({ metastore, root: `file://${dir}/wh`, clock, log: { log: () => undefined } });
  return Object.assign(fixture, {
    reopen,
    warehouse: reopen(),
    async close() {
      sql.close();
      database.close();
      await metastore.close();
      rmSync(dir, { recursive: true, force: true });
    },
  });
}

let runs = 0;

export async function stage(fixture: Fixture, plan: WritePlan, select: string, task = 0): Promise<StageReport> {
  return fixture.warehouse.stageFiles(
    plan,
    { select, statusColumn: 'st' },
    { runId: 'r', task, sql: fixture.sql, record: () => Promise.resolve(), reach: (p) => fixture.points.push(p) },
  );
}

export interface Loaded {
  readonly plan: WritePlan;
  readonly report: StageReport;
  readonly commit: WriteCommit;
}

/** Plans, stages and commits one SELECT (with the status column `st`). */
export async function load(
  fixture: Fixture,
  request: Omit<WriteRequest, 'mode'> & { readonly mode?: WriteRequest['mode'] },
  select: string,
  options: { readonly runId?: string; within?(tx: StoreTransaction, facts: JsonObject): Promise<void> } = {},
): Promise<Loaded> {
  const plan = await fixture.warehouse.planWrite({ mode: 'append', ...request });
  const report = await stage(fixture, plan, select);
  const commit = await fixture.warehouse.commitWrites(
    { plan, staged: [report], rejects: [] },
    { runId: options.runId ?? `run-${++runs}`, reach: (p) => fixture.points.push(p), within: options.within ?? (() => Promise.resolve()) },
  );
  return { plan, report, commit };
}

/** Live data files of a table as the newest snapshot has them. */
export async function liveFiles(
  fixture: Fixture,
  table: string,
): Promise<readonly { path: string; rows: number; partition: ReadonlyMap<number, unknown> }[]> {
  const { metadata } = await fixture.warehouse.catalog.loadTable(table);
  const snapshot = metadata.snapshots.find((s) => s['snapshot-id'] === metadata['current-snapshot-id']);
  if (!snapshot) return [];
  const found = [];
  for (const manifest of await fixture.warehouse.reader.manifests(snapshot)) {
    for (const entry of await fixture.warehouse.reader.entries(manifest)) {
      if (entry.status !== 2 && entry.file.content === 0)
        found.push({ path: entry.file.path, rows: entry.file.recordCount, partition: entry.file.partition });
    }
  }
  return found;
}

/** All rows of a table, read by DuckDB with the columns' own names. */
export async function readRows(fixture: Fixture, table: string, what: string): Promise<Record<string, unknown>[]> {
  const files = await liveFiles(fixture, table);
  if (files.length === 0) return [];
  const list = files.map((f) => `'${f.path.replace('file://', '')}'`).join(', ');
  return fixture.sql.rows(`SELECT ${what} FROM read_parquet([${list}], union_by_name = true, hive_partitioning = false)`);
}
