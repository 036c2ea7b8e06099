import pg from 'pg';
import { nextTime } from '../../../src/core/schedule/next-time.js';
import { parseCron } from '../../../src/core/schedule/cron-expression.js';
import { openZone } from '../../../src/core/schedule/zoned-time.js';
import type { Firing, JobRecord } from '../../../src/core/spi/index.js';
import type { Metastore } from '../../../src/metastore/index.js';
import type { SoakSchedule } from './soak-project.js';

export interface Verdict {
  /** What is wrong; nothing should be. */
  readonly problems: readonly string[];
  /** Outcomes and how many there were of each. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Rows by schedule and nominal time in seconds: `s01 1700000000`. */
export type RowCounts = ReadonlyMap<string, number>;

/** Each nominal time has its one outcome, the one its policy wants, and each that ran one row. `until`: when the schedules were paused. */
export async function verifySchedules(store: Metastore, schedules: readonly SoakSchedule[], rows: RowCounts, until: number): Promise<Verdict> {
  const problems: string[] = [];
  const outcomes: Record<string, number> = {};
  const zone = openZone('UTC');
  let counted = 0;
  for (const schedule of schedules) {
    const record = await store.getSchedule(schedule.name);
    if (typeof record?.nextTime !== 'number') {
      problems.push(`${schedule.name} has no next time`);
      continue;
    }
    const firings = new Map((await store.listFirings(schedule.name, { limit: 10_000 })).map((firing) => [firing.nominalTime, firing]));
    const cron = parseCron(schedule.cron);
    const times: number[] = [];
    for (let time = nextTime(cron, zone, record.createdAt); time !== null && time < record.nextTime; time = nextTime(cron, zone, time))
      times.push(time);
    for (const time of times) {
      const firing = firings.get(time);
      const place = `${schedule.name} at ${new Date(time).toISOString()}`;
      if (!firing) {
        problems.push(`${place}: no outcome`);
        continue;
      }
      outcomes[firing.outcome] = (outcomes[firing.outcome] ?? 0) + 1;
      const wrong = judge(schedule, firing, until);
      if (wrong !== undefined) problems.push(`${place}: ${wrong}`);
      const found = rows.get(`${schedule.name} ${time / 1000}`) ?? 0;
      counted += found;
      if (found === (firing.outcome === 'queued' ? 1 : 0)) continue;
      const job = firing.jobId === null ? undefined : await store.getJob(firing.jobId);
      problems.push(`${place}: ${firing.outcome}, ${found} rows, ${describe(job)}`);
    }
    if (times.length !== firings.size) problems.push(`${schedule.name}: ${times.length} times, ${firings.size} outcomes`);
  }
  const all = [...rows.values()].reduce((sum, n) => sum + n, 0);
  if (all !== counted) problems.push(`${all - counted} rows belong to no time`);
  return { problems, outcomes };
}

function judge({ catchUp, overlap }: SoakSchedule, { outcome, nominalTime, jobStatus }: Firing, until: number): string | undefined {
  if (outcome === 'queued') return jobStatus === 'success' ? undefined : `its job is ${jobStatus}`;
  // The pause may reach a time that is handled a little late.
  if (outcome === 'skipped_paused') return nominalTime > until - 60_000 ? undefined : 'skipped for a pause';
  if (outcome === 'skipped_missed' && catchUp !== 'all') return undefined;
  if (outcome === 'skipped_overlap' && overlap === 'skip') return undefined;
  return `${outcome} with catch_up ${catchUp} and overlap ${overlap}`;
}

function describe(job: JobRecord | undefined): string {
  if (!job) return 'no job';
  const { id, status, attempts, fence, error, result } = job;
  return `job ${id}: ${status}, ${attempts} tries, ${fence} claims, runs ${result?.runIds.join(' ') ?? '-'} ${error ? `${error.code}: ${error.message}` : ''}`;
}

/** Periods are claimed once by what the timer made, and no connection is left open by processes that are gone. */
export async function verifyDatabase(url: string, store: Metastore, ownConnections: number): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const problems: string[] = [];
    const one = async (sql: string): Promise<number> => Number((await client.query<{ n: string }>(sql)).rows[0]?.n);
    const unclaimed = await one(
      `SELECT count(*) AS n FROM sluice_firings f LEFT JOIN sluice_periods p USING (project, schedule, nominal_time, job_id)
       WHERE f.outcome = 'queued' AND p.job_id IS NULL`,
    );
    if (unclaimed !== 0) problems.push(`${unclaimed} periods that ran were not claimed by their job`);
    const twice = await one(
      `SELECT count(*) AS n FROM (SELECT 1 FROM sluice_runs WHERE status = 'committed' AND plan::json -> 'origin' ->> 'job' IS NOT NULL
       GROUP BY plan::json -> 'origin' ->> 'job', plan::json -> 'origin' ->> 'part' HAVING count(*) > 1) AS t`,
    );
    if (twice !== 0) problems.push(`${twice} parts of jobs committed twice`);
    const connections = await one(`SELECT count(*) AS n FROM pg_stat_activity WHERE application_name LIKE 'sluice%'`);
    if (connections > ownConnections) problems.push(`${connections} connections are open, ${ownConnections} at most are ours`);
    if ((await store.countServers()) !== 0) problems.push('a server is still registered');
    return problems;
  } finally {
    await client.end();
  }
}
