import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase, type Database } from '../../src/core/duckdb/index.js';
import { RejectBudget } from '../../src/core/engine/reject-budget.js';
import { runTask, type Sink, type TaskWork } from '../../src/core/engine/run-task.js';
import type { Reading, SqlConnection, StageContext, StageReport } from '../../src/core/spi/index.js';
import { besideScan } from '../../src/plugins/shared/beside-scan.js';

let database: Database;
test.before(async () => void (database = await openDatabase()));
test.after(() => database.close());

const unexpected = (): never => {
  throw new Error('not expected');
};
const FROM = '(SELECT * FROM (VALUES (1), (2)) v(n))';

/** Runs a task over two rows with a sink of one's own; answers what happened, in order. */
async function stageBy(use: (select: string, sql: SqlConnection, events: string[]) => Promise<void>): Promise<string[]> {
  const events: string[] = [];
  const reading: Reading = {
    relation: { from: FROM, columns: [{ name: 'n', type: 'long' }] },
    begin: () => void events.push('begin'),
    check(rows) {
      events.push(`check ${rows}`);
      return Promise.resolve({ keep: true, read: rows, rejected: 0, rejects: unexpected, files: [] });
    },
    close: () => Promise.resolve(),
  };
  const sink: Sink = {
    async stage({ select }, ctx): Promise<StageReport> {
      await use(select, ctx.sql, events);
      return { rows: 2, statuses: {}, bytes: 0, files: 0, staged: [] };
    },
    stageRejects: unexpected,
  };
  const work: TaskWork = {
    ...{ source: 'two rows', filters: [], firstFilter: 0, refuses: false, constants: [], sink, budget: new RejectBudget({ rows: 0 }) },
    ...{ runId: 'run-1', startedAt: 0, keepRaw: true, probeRows: 0, discard: unexpected },
  };
  const sql = await database.connect();
  try {
    const ctx = { sql, task: 0, reach: () => undefined, log: { log: () => undefined } } as unknown as StageContext;
    const { report } = await runTask(reading, work, ctx);
    assert.is(report.written, 2);
  } finally {
    sql.close();
  }
  return events;
}

test('a reading begins its work beside the scan when DuckDB has the statement, not while the sink makes ready', async () => {
  const ways: ((sql: SqlConnection, text: string) => Promise<unknown>)[] = [
    (sql, text) => sql.run(text),
    (sql, text) => sql.rows(text),
    async (sql, text) => {
      for await (const _ of sql.chunks(text));
    },
  ];
  for (const way of ways) {
    const events = await stageBy(async (select, sql, told) => {
      await sql.run('SET enable_progress_bar = false');
      await sql.rows('SELECT 1');
      told.push('ready');
      await way(sql, `SELECT * FROM (${select})`);
      told.push('staged');
    });
    assert.equal(events, ['ready', 'begin', 'staged', 'check 2']);
  }
});

test('where the sink never asks for the relation, check comes without begin', async () => {
  assert.equal(await stageBy(() => Promise.resolve()), ['check 2']);
});

test('work beside a scan starts once, at the latest when its result is wanted, and its failure waits for that', async () => {
  let started = 0;
  const work = besideScan(() => Promise.resolve(++started));
  await work.over();
  assert.is(started, 0, 'over() starts nothing');
  assert.is(await work.result(), 1);
  work.begin();
  assert.is(await work.result(), 1);

  const failing = besideScan(() => Promise.reject(new Error('gone')));
  failing.begin();
  await failing.over();
  try {
    await failing.result();
    assert.unreachable('expected the failure');
  } catch (error) {
    assert.is((error as Error).message, 'gone');
  }
});

test.run();
