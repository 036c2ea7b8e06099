import type { FiringOutcome, JobStatus, JobStore, ScheduleRecord } from '../core/spi/index.js';
import { insertRows, numberOf, optionalText, runForEach, textOf, type Connection, type SqlRow, type SqlValue } from './connection.js';
import { insertJob } from './job-rows.js';

type ScheduleCalls = Pick<
  JobStore,
  'syncSchedules' | 'listSchedules' | 'getSchedule' | 'dueSchedules' | 'stepSchedule' | 'pauseSchedule' | 'listFirings'
>;

export function createSchedules(connection: Connection, project: string): ScheduleCalls {
  const { reader, dialect } = connection;
  return {
    syncSchedules: (schedules) =>
      connection.transaction(async (tx) => {
        await dialect.lockName(tx, 'sluice_schedules');
        const now = numberOf(await tx.get(`SELECT ${dialect.now} AS now`), 'now');
        const rows = await tx.all('SELECT name, definition_hash, next_time FROM sluice_schedules WHERE project = $1', [project]);
        const known = new Map(
          rows.map((row) => {
            const nextTime = row['next_time'] === null ? null : numberOf(row, 'next_time');
            return [textOf(row, 'name'), { name: textOf(row, 'name'), definitionHash: textOf(row, 'definition_hash'), nextTime }];
          }),
        );
        const fresh: SqlValue[][] = [];
        for (const { name, definitionHash, nextAfter } of schedules) {
          const old = known.get(name);
          known.delete(name);
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
          else fresh.push([project, name, now, 0, definitionHash, nextTime, dueAt]);
        }
        await insertRows(tx, 'INSERT INTO sluice_schedules (project, name, created_at, paused, definition_hash, next_time, due_at)', fresh, '');
        // What is no longer defined keeps its history, and starts anew should it come back.
        const gone = [...known.values()].filter((each) => each.definitionHash !== '').map((each) => each.name);
        await runForEach(
          tx,
          "UPDATE sluice_schedules SET definition_hash = '', next_time = NULL, due_at = NULL WHERE project = $1 AND name IN (*)",
          [project],
          gone,
        );
      }),

    listSchedules: async () => (await reader.all('SELECT * FROM sluice_schedules WHERE project = $1 ORDER BY name', [project])).map(scheduleOf),

    getSchedule: async (name) => {
      const row = await reader.get('SELECT * FROM sluice_schedules WHERE project = $1 AND name = $2', [project, name]);
      return row && scheduleOf(row);
    },

    dueSchedules: async (limit) => {
      const rows = await reader.all(
        `SELECT * FROM sluice_schedules WHERE project = $1 AND due_at <= ${dialect.now} ORDER BY due_at LIMIT ${Math.floor(limit)}`,
        [project],
      );
      return rows.map(scheduleOf);
    },

    stepSchedule: (step) =>
      connection.transaction(async (tx) => {
        const row = await tx.get(`SELECT * FROM sluice_schedules WHERE project = $1 AND name = $2${dialect.lockRow}`, [project, step.name]);
        if (row === undefined || row['next_time'] !== step.expectedNext) return false;
        const now = numberOf(await tx.get(`SELECT ${dialect.now} AS now`), 'now');
        for (const { nominalTime, outcome, job } of step.firings) {
          const first = await tx.run(
            `INSERT INTO sluice_firings (project, schedule, nominal_time, outcome, job_id, recorded_at) VALUES ($1, $2, $3, $4, NULL, $5) ON CONFLICT DO NOTHING`,
            [project, step.name, nominalTime, outcome, now],
          );
          if (first === 0 || !job) continue;
          const id = await insertJob(tx, project, job, now);
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
        tx.run('UPDATE sluice_schedules SET paused = $3 WHERE project = $1 AND name = $2', [project, name, paused ? 1 : 0]),
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

function scheduleOf(row: SqlRow): ScheduleRecord {
  const time = (column: string): number | null => (row[column] === null ? null : numberOf(row, column));
  return {
    name: textOf(row, 'name'),
    createdAt: numberOf(row, 'created_at'),
    paused: numberOf(row, 'paused') !== 0,
    definitionHash: textOf(row, 'definition_hash'),
    nextTime: time('next_time'),
    dueAt: time('due_at'),
  };
}
