/**
 * The store of schedules and jobs with a long history: 10,000 schedules, 1 M jobs. Milliseconds of each call, on SQLite and PostgreSQL.
 * `npm run bench:jobs -- [sqlite|postgresql] [--jobs N]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openConnection } from '../src/metastore/open-connection.js';
import { openMetastore, type Metastore, type MetastoreOptions } from '../src/metastore/index.js';
import { startPostgres } from '../test/servers/postgres.js';
import { median } from './measure.js';

const SCHEDULES = 10_000;
const BAR_MS = 50;
const DAY = 86_400_000;
/** Queued jobs: due, and waiting for a later time. */
const DUE = 2_000;
const LATER = 10_000;

interface Timing {
  readonly name: string;
  /** Whether the bar of `list, next-run, claim` holds for it. */
  readonly judged: boolean;
  call(round: number): Promise<unknown>;
}

/** History as a busy year leaves it: nearly all jobs succeeded, some failed, few were killed; one in a thousand has a tag of its own. */
async function fill(options: MetastoreOptions, projectId: string, jobs: number): Promise<void> {
  const connection = await openConnection(options);
  const numbers = `WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${jobs - 1})`;
  const name = `'schedule-' || (100000 + n % ${SCHEDULES})`;
  const nominal = `(1700000000000 + (n / ${SCHEDULES}) * 3600000)`;
  const status = `CASE WHEN n % 100 < 97 THEN 'success' WHEN n % 100 < 99 THEN 'error' ELSE 'killed' END`;
  await connection.transaction(async (tx) => {
    await tx.run(
      `INSERT INTO sluice_jobs (id, project, kind, name, payload, trigger_kind, nominal_time, priority, not_before, max_attempts, retry_wait, timeout_ms,
       uses, parent_id, tags, status, attempts, takeovers, holder, fence, kill_requested, created_at, started_at, finished_at, result, error)
       ${numbers} SELECT '20230101T000000000-' || (1000000000 + n), '${projectId}', CASE WHEN n % 5000 = 7 THEN 'maintain' WHEN n % 3 = 0 THEN 'pipeline' ELSE 'sql' END,
       ${name}, '{"sql":"SELECT count(*) FROM shop.orders WHERE day = {{ scheduled_time }}","into":"shop.daily","mode":"replace"}',
       'timer', ${nominal}, 0, ${nominal}, 3, '{"initialMs":1000,"maxMs":60000}', 3600000, '["warehouse"]', NULL,
       CASE WHEN n % 1000 = 0 THEN '["team:growth"]' ELSE '[]' END, ${status}, 1, 0, NULL, 1, 0, ${nominal}, ${nominal} + 100, ${nominal} + 2000,
       '{"runIds":["r"],"rowsRead":1000,"rowsWritten":10}', NULL FROM numbers`,
    );
    await tx.run(
      `INSERT INTO sluice_job_tags (project, tag, job_id) SELECT '${projectId}', 'team:growth', id FROM sluice_jobs WHERE tags = '["team:growth"]'`,
    );
    await tx.run(
      `INSERT INTO sluice_firings (project, schedule, nominal_time, outcome, job_id, recorded_at)
       ${numbers} SELECT '${projectId}', ${name}, ${nominal}, 'queued', '20230101T000000000-' || (1000000000 + n), ${nominal} FROM numbers`,
    );
  });
  if (connection.dialect.kind === 'postgresql') {
    // The server would do it by itself within a minute.
    for (const table of ['sluice_jobs', 'sluice_firings']) await connection.reader.all(`ANALYZE ${table}`);
  }
  await connection.close();
}

async function addQueued(store: Metastore): Promise<void> {
  const now = await store.now();
  await store.transaction(async (tx) => {
    for (let i = 0; i < DUE + LATER; i++) {
      await store.addJob(
        {
          ...{ kind: 'sql', name: `schedule-${100_000 + (i % SCHEDULES)}`, payload: { sql: 'SELECT 1' }, trigger: 'timer', nominalTime: now + i },
          ...{ priority: (i % 5) - 2, notBefore: i < DUE ? now : now + DAY, maxAttempts: 1, retryWait: { initialMs: 0, maxMs: 0 } },
          ...{ timeoutMs: null, uses: [`schedule:schedule-${100_000 + (i % SCHEDULES)}`], parentId: null, tags: [] },
        },
        tx,
      );
    }
  });
}

function definitions(dueAt: number): Parameters<Metastore['syncSchedules']>[0] {
  return Array.from({ length: SCHEDULES }, (_, i) => ({
    name: `schedule-${100_000 + i}`,
    definitionHash: 'a'.repeat(64),
    nextAfter: () => ({ nextTime: dueAt + i * 1000, dueAt: dueAt + i * 1000 }),
  }));
}

function timings(store: Metastore, server: string, now: number): Timing[] {
  const name = (round: number): string => `schedule-${100_000 + ((round * 7919) % SCHEDULES)}`;
  const list = (label: string, filter: Parameters<Metastore['listJobs']>[0], judged = true): Timing => ({
    name: `list ${label}`,
    judged,
    call: () => store.listJobs(filter),
  });
  return [
    list('jobs, newest 100', {}),
    list('jobs with status error', { status: 'error' }),
    list('running jobs', { status: 'running' }),
    list('open jobs', { open: true }),
    list('jobs of a kind that is rare', { kind: 'maintain' }),
    list('jobs with a tag that is rare', { tag: 'team:growth' }),
    list('jobs with a tag that none has', { tag: 'team:none' }),
    list('page in the middle of the history', { before: '20230101T000000000-1000500000' }),
    { name: 'list jobs of a schedule', judged: true, call: (round) => store.listJobs({ name: name(round) }) },
    { name: 'list failed jobs of a schedule', judged: true, call: (round) => store.listJobs({ name: name(round), status: 'error' }) },
    { name: 'list all 10,000 schedules', judged: true, call: () => store.listSchedules() },
    { name: 'list firings of a schedule', judged: true, call: (round) => store.listFirings(name(round), { limit: 100 }) },
    { name: 'next-run: 100 due schedules', judged: true, call: () => store.dueSchedules(100) },
    {
      name: 'next-run: step one schedule, make its job',
      judged: true,
      async call(round) {
        const schedule = await store.getSchedule(name(round));
        if (typeof schedule?.nextTime !== 'number') throw new Error('the schedule has no next time');
        const { nextTime } = schedule;
        const job = { kind: 'sql', name: schedule.name, payload: { sql: 'SELECT 1' }, trigger: 'timer', nominalTime: nextTime } as const;
        const rest = {
          priority: 0,
          notBefore: now,
          maxAttempts: 1,
          retryWait: { initialMs: 0, maxMs: 0 },
          timeoutMs: null,
          uses: [],
          parentId: null,
          tags: [],
        };
        const firings = [{ nominalTime: nextTime, outcome: 'queued', job: { ...job, ...rest } } as const];
        const done = await store.stepSchedule({
          ...{ name: schedule.name, expectedNext: nextTime, firings, nextTime: nextTime + DAY, dueAt: nextTime + DAY },
        });
        if (!done) throw new Error('the step was void');
      },
    },
    {
      name: 'claim 8 jobs of 2,000 due, 10,000 later',
      judged: true,
      async call() {
        const claimed = await store.claimJobs(server, 8, new Map([['warehouse', 4]]));
        if (claimed.length !== 8) throw new Error(`expected 8 jobs, found ${claimed.length}`);
      },
    },
    {
      name: 'claim one, finish it',
      judged: true,
      async call() {
        const [job] = await store.claimJobs(server, 1, new Map());
        if (job === undefined) throw new Error('expected a job');
        await store.finishJob(job, { status: 'success', result: { runIds: [] }, error: null, retry: false });
      },
    },
    { name: 'jobs held', judged: true, call: () => store.heldJobs(server) },
    { name: 'count jobs by status', judged: false, call: () => store.countJobs() },
    { name: 'sync of 10,000 unchanged schedules', judged: false, call: () => store.syncSchedules(definitions(now)) },
    { name: 'expire 100 jobs', judged: false, call: () => store.expireJobs(1_700_000_000_000 + DAY, 100) },
  ];
}

async function measureStore(options: MetastoreOptions, jobs: number): Promise<void> {
  const store = await openMetastore(options);
  const started = Date.now();
  await fill(options, await store.projectId(), jobs);
  const now = await store.now();
  await store.syncSchedules(definitions(now - 100_000));
  await addQueued(store);
  const server = await store.registerServer('bench');
  console.log(`\n${store.kind}: ${SCHEDULES} schedules, ${jobs} jobs of history (made in ${((Date.now() - started) / 1000).toFixed(0)} s)`);
  let over = 0;
  for (const { name, judged, call } of timings(store, server.id, now)) {
    const millis: number[] = [];
    for (let round = -2; round < 20; round++) {
      const start = performance.now();
      await call(round + 2);
      if (round >= 0) millis.push(performance.now() - start);
    }
    const middle = median(millis);
    if (judged && middle > BAR_MS) over++;
    const bar = judged ? `bar ≤ ${BAR_MS} ms${middle > BAR_MS ? ' MISSED' : ''}` : 'report';
    console.log(`  ${name}: median ${middle.toFixed(1)} ms (${Math.min(...millis).toFixed(1)}-${Math.max(...millis).toFixed(1)}), ${bar}`);
  }
  console.log(`  ${over === 0 ? 'all within the bar' : `${over} over the bar`}`);
  await server.release();
  await store.close();
}

const args = process.argv.slice(2);
const at = args.indexOf('--jobs');
const jobs = at < 0 ? 1_000_000 : Number(args.splice(at, 2)[1]);
const only = args[0];

if (only !== 'postgresql') {
  const folder = mkdtempSync(join(process.env['SLUICE_BENCH_TMP'] ?? tmpdir(), 'sluice-bench-jobs-'));
  try {
    await measureStore({ url: `sqlite:${join(folder, 'metastore.db')}` }, jobs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
if (only !== 'sqlite') {
  const server = await startPostgres();
  try {
    await measureStore({ url: `postgresql://${server.user}@${server.host}:${server.port}/${server.database}`, password: server.password }, jobs);
  } finally {
    await server.stop();
  }
}
