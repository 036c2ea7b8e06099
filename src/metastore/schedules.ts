import type { FiringOutcome, JobStatus, JobStore, ScheduleRecord } from '../core/spi/index.js';
import {
  insertRows,
  numberOf,
  optionalText,
  runForEach,
  textOf,
  type Connection,
  type OpenTransaction,
  type SqlRow,
  type SqlValue,
} from './connection.js';
import { insertJob } from './job-rows.js';

type ScheduleCalls = Pick<
  JobStore,
  'syncSchedules' | 'listSchedules' | 'getSchedule' | 'dueSchedules' | 'stepSchedule' | 'pauseSchedule' | 'listFirings'
>;

/** What `scheduleOf` reads: lists of ten thousand feel each column more. */
const SCHEDULE_COLUMNS = 'name, created_at, paused, definition_hash, next_time, due_at, sla_hash, sla_from';

export function createSchedules(connection: Connection, project: string): ScheduleCalls {
  const { reader, dialect } = connection;
  return {
    syncSchedules: (schedules) =>
      connection.transaction(async (tx) => {
        await dialect.lockName(tx, 'sluice_schedules');
        const now = numberOf(await tx.get(`SELECT ${dialect.now} AS now`), 'now');
        const rows = await tx.all('SELECT name, definition_hash, next_time, sla_hash FROM sluice_schedules WHERE project = $1', [project]);
        const known = new Map(
          rows.map((row) => {
            const nextTime = row['next_time'] === null ? null : numberOf(row, 'next_time');
            const name = textOf(row, 'name');
            return [name, { name, definitionHash: textOf(row, 'definition_hash'), nextTime, slaHash: textOf(row, 'sla_hash') }];
          }),
        );
        const fresh: SqlValue[][] = [];
        for (const { name, definitionHash, slaHash = '', nextAfter } of schedules) {
          const old = known.get(name);
          known.delete(name);
          // What is promised from now on holds for times after now.
          const slaFrom = slaHash === '' ? null : now + 1;
          if (old && old.slaHash !== slaHash)
            await tx.run('UPDATE sluice_schedules SET sla_hash = $3, sla_from = $4, sla_check_at = $4 WHERE project = $1 AND name = $2', [
              project,
              name,
              slaHash,
              slaFrom,
            ]);
          if (old?.definitionHash === definitionHash) continue;
          // Times that were missed before the change are judged by the new definition.
          const { nextTime, dueAt } = nextAfter(Math.min(now, (old?.nextTime ?? Infinity) - 1));
          if (old)
            await tx.run('UPDATE sluice_schedules SET definition_hash = $3, next_time = $4, due_at = $5 WHERE project = $1 AND name = $2', [
              project,
              name,
              definitionHash,
              nextTime,
              dueAt,
            ]);
          else fresh.push([project, name, now, 0, definitionHash, nextTime, dueAt, slaHash, slaFrom, slaFrom]);
        }
        const columns = 'project, name, created_at, paused, definition_hash, next_time, due_at, sla_hash, sla_from, sla_check_at';
        await insertRows(tx, `INSERT INTO sluice_schedules (${columns})`, fresh, '');
        // What is no longer defined keeps its history, and starts anew should it come back.
        const gone = [...known.values()].filter((each) => each.definitionHash !== '').map((each) => each.name);
        await runForEach(
          tx,
          "UPDATE sluice_schedules SET definition_hash = '', next_time = NULL, due_at = NULL, sla_hash = '', sla_from = NULL, sla_check_at = NULL WHERE project = $1 AND name IN (*)",
          [project],
          gone,
        );
      }),

    listSchedules: async () =>
      (await reader.all(`SELECT ${SCHEDULE_COLUMNS} FROM sluice_schedules WHERE project = $1 ORDER BY name`, [project])).map(scheduleOf),

    getSchedule: async (name) => {
      const row = await reader.get(`SELECT ${SCHEDULE_COLUMNS} FROM sluice_schedules WHERE project = $1 AND name = $2`, [project, name]);
      return row && scheduleOf(row);
    },

    dueSchedules: (limit) => listDue(connection, project, 'due_at', limit),

    stepSchedule: (step) =>
      connection.transaction(async (tx) => {
        const row = await tx.get(`SELECT ${SCHEDULE_COLUMNS} FROM sluice_schedules WHERE project = $1 AND name = $2${dialect.lockRow}`, [
          project,
          step.name,
        ]);
        if (row === undefined || row['next_time'] !== step.expectedNext) return false;
        const now = numberOf(await tx.get(`SELECT ${dialect.now} AS now`), 'now');
        for (const { nominalTime, outcome, job, cancelsEarlier } of step.firings) {
          const first = await tx.run(
            `INSERT INTO sluice_firings (project, schedule, nominal_time, outcome, job_id, recorded_at) VALUES ($1, $2, $3, $4, NULL, $5) ON CONFLICT DO NOTHING`,
            [project, step.name, nominalTime, outcome, now],
          );
          if (first === 0 || !job) continue;
          const id = await insertJob(tx, project, job, now);
          if (cancelsEarlier === true) await cancelEarlier(tx, { project, schedule: step.name, nominalTime, by: id, now, lockRow: dialect.lockRow });
          await tx.run('UPDATE sluice_firings SET job_id = $4 WHERE project = $1 AND schedule = $2 AND nominal_time = $3', [
            project,
            step.name,
            nominalTime,
            id,
          ]);
        }
        await tx.run('UPDATE sluice_schedules SET next_time = $3, due_at = $4 WHERE project = $1 AND name = $2', [
          project,
          step.name,
          step.nextTime,
          step.dueAt,
        ]);
        return true;
      }),

    pauseSchedule: async (name, paused) =>
      (await connection.transaction((tx) =>
        tx.run(
          `UPDATE sluice_schedules SET paused = $3, sla_check_at = CASE WHEN sla_from IS NULL THEN NULL ELSE ${dialect.now} END WHERE project = $1 AND name = $2`,
          [project, name, paused ? 1 : 0],
        ),
      )) > 0,

    listFirings: async (schedule, { from = 0, to = Number.MAX_SAFE_INTEGER, limit = 1000 }) => {
      const rows = await reader.all(
        `SELECT f.*, (SELECT status FROM sluice_jobs WHERE id = f.job_id) AS job_status,
         (SELECT MIN(finished_at) FROM sluice_jobs WHERE project = $1 AND name = $2 AND nominal_time = f.nominal_time AND status = 'success') AS succeeded_at
         FROM sluice_firings f WHERE f.project = $1 AND f.schedule = $2 AND f.nominal_time >= $3 AND f.nominal_time < $4
         ORDER BY f.nominal_time DESC LIMIT ${Math.floor(limit)}`,
        [project, schedule, from, to],
      );
      return rows.map((row) => ({
        schedule: textOf(row, 'schedule'),
        nominalTime: numberOf(row, 'nominal_time'),
        outcome: textOf(row, 'outcome') as FiringOutcome,
        jobId: optionalText(row, 'job_id'),
        recordedAt: numberOf(row, 'recorded_at'),
        jobStatus: optionalText(row, 'job_status') as JobStatus | null,
        succeededAt: row['succeeded_at'] === null ? null : numberOf(row, 'succeeded_at'),
      }));
    },
  };
}

/** Schedules for which a time has come, soonest first. */
export async function listDue(
  { reader, dialect }: Connection,
  project: string,
  column: 'due_at' | 'sla_check_at',
  limit: number,
): Promise<readonly ScheduleRecord[]> {
  const due = `project = $1 AND ${column} <= ${dialect.now} ORDER BY ${column} LIMIT ${Math.floor(limit)}`;
  return (await reader.all(`SELECT ${SCHEDULE_COLUMNS} FROM sluice_schedules WHERE ${due}`, [project])).map(scheduleOf);
}

/** Queued jobs end at once; the servers of running ones find them among `heldJobs`, and `finishJob` keeps the reason. */
async function cancelEarlier(
  tx: OpenTransaction,
  {
    project,
    schedule,
    nominalTime,
    by,
    now,
    lockRow,
  }: { project: string; schedule: string; nominalTime: number; by: string; now: number; lockRow: string },
): Promise<void> {
  const error = JSON.stringify({
    code: 'JOB_SUPERSEDED',
    message: `job ${by} has taken its place: it had not ended when the next time of ${schedule} came, ${new Date(nominalTime).toISOString()}`,
    hint: 'overlap: queue or skip lets jobs end; see its log for what took the time',
  });
  const rows = await tx.all(
    `SELECT id, status FROM sluice_jobs WHERE project = $1 AND name = $2 AND finished_at IS NULL AND trigger_kind IN ('timer', 'retry')
     AND nominal_time < $3 ORDER BY id${lockRow}`,
    [project, schedule, nominalTime],
  );
  for (const row of rows)
    await (row['status'] === 'queued'
      ? tx.run(`UPDATE sluice_jobs SET status = 'killed', finished_at = $2, error = $3 WHERE id = $1`, [textOf(row, 'id'), now, error])
      : tx.run('UPDATE sluice_jobs SET kill_requested = 1, error = $2 WHERE id = $1', [textOf(row, 'id'), error]));
}

function scheduleOf(row: SqlRow): ScheduleRecord {
  const time = (column: string): number | null => (row[column] === null ? null : numberOf(row, column));
  return {
    name: textOf(row, 'name'),
    createdAt: numberOf(row, 'created_at'),
    paused: numberOf(row, 'paused') !== 0,
    definitionHash: textOf(row, 'definition_hash'),
    nextTime: time('next_time'),
    dueAt: time('due_at'),
    slaHash: textOf(row, 'sla_hash'),
    slaFrom: time('sla_from'),
  };
}
