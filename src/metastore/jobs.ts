import { ConflictError, type JobFilter, type JobRecord, type JobStatus, type JobStore, type NewJob } from '../core/spi/index.js';
import { numberOf, sqlOf, textOf, type Connection, type OpenTransaction, type SqlValue } from './connection.js';
import { insertJob, jobOf } from './job-rows.js';
import { insertMessages } from './messages.js';
import { liveServers } from './servers.js';

type JobCalls = Pick<
  JobStore,
  | 'addJob'
  | 'getJob'
  | 'listJobs'
  | 'countJobs'
  | 'claimJobs'
  | 'claimJob'
  | 'heldJobs'
  | 'finishJob'
  | 'returnJob'
  | 'killJob'
  | 'retryJob'
  | 'expireJobs'
  | 'claimPeriod'
>;

const STATUSES: readonly JobStatus[] = ['queued', 'running', 'success', 'error', 'killed'];
const MAX_TAKEOVERS = 5;
/** Due jobs that are looked at for one claim: those beyond wait for limits that most of these would share. */
const CANDIDATES = 500;

export function createJobs(connection: Connection, project: string): JobCalls {
  const { reader, dialect } = connection;
  const now = async (tx: OpenTransaction): Promise<number> => numberOf(await tx.get(`SELECT ${dialect.now} AS now`), 'now');
  const get = async (from: Pick<OpenTransaction, 'get'>, id: string, suffix = ''): Promise<JobRecord | undefined> => {
    const row = await from.get(`SELECT * FROM sluice_jobs WHERE id = $1 AND project = $2${suffix}`, [id, project]);
    return row && jobOf(row);
  };
  const take = async (tx: OpenTransaction, job: JobRecord, server: string, at: number): Promise<JobRecord> => {
    await tx.run(
      `UPDATE sluice_jobs SET status = 'running', holder = $2, fence = fence + 1, attempts = attempts + 1, started_at = $3, kill_requested = 0, error = NULL WHERE id = $1`,
      [job.id, server, at],
    );
    return {
      ...job,
      status: 'running',
      holder: server,
      fence: job.fence + 1,
      attempts: job.attempts + 1,
      startedAt: at,
      killRequested: false,
      error: null,
    };
  };
  /** One question a second by each idle server, without waiting for anybody. Jobs of others may have to be taken over. */
  const mayClaim = async (server: string): Promise<boolean> => {
    const row = await reader.get(
      `SELECT CASE WHEN EXISTS (SELECT 1 FROM sluice_jobs WHERE project = $1 AND status = 'queued' AND not_before <= ${dialect.now})
       OR EXISTS (SELECT 1 FROM sluice_jobs WHERE project = $1 AND status = 'running' AND holder <> $2) THEN 1 ELSE 0 END AS due`,
      [project, server],
    );
    return numberOf(row, 'due') === 1;
  };
  /** A success may make good what was missed. */
  const tellSla = (tx: OpenTransaction, schedule: string): Promise<number> =>
    tx.run(
      `UPDATE sluice_schedules SET sla_check_at = ${dialect.now} WHERE project = $1 AND name = $2 AND sla_from IS NOT NULL
       AND EXISTS (SELECT 1 FROM sluice_sla_misses WHERE project = $1 AND schedule = $2 AND met_at IS NULL)`,
      [project, schedule],
    );
  /** The job as it is now, while this claim still holds it. */
  const held = async (tx: OpenTransaction, claim: Pick<JobRecord, 'id' | 'fence'>): Promise<JobRecord> => {
    const job = await get(tx, claim.id, dialect.lockRow);
    if (job?.status === 'running' && job.fence === claim.fence) return job;
    throw new ConflictError({
      code: 'JOB_LOST',
      message: `job ${claim.id}: another process has taken it over`,
      hint: 'nothing to do: what this attempt had not committed is done by the other one',
    });
  };
  return {
    addJob: async (job, tx) => {
      const add = async (open: OpenTransaction): Promise<string> => insertJob(open, project, job, await now(open));
      return tx ? add(sqlOf(tx)) : connection.transaction(add);
    },

    getJob: (id) => get(reader, id),

    listJobs: async (filter) => {
      const { where, params } = conditions(project, filter);
      const limit = Math.min(1000, filter.limit ?? 100);
      const rows = await reader.all(`SELECT * FROM sluice_jobs WHERE ${where} ORDER BY id DESC LIMIT ${limit}`, params);
      return rows.map(jobOf);
    },

    countJobs: async () => {
      const rows = await reader.all('SELECT status, COUNT(*) AS n FROM sluice_jobs WHERE project = $1 GROUP BY status', [project]);
      const counts = new Map(rows.map((row) => [textOf(row, 'status'), numberOf(row, 'n')]));
      return Object.fromEntries(STATUSES.map((status) => [status, counts.get(status) ?? 0])) as { [status in JobStatus]: number };
    },

    claimJobs: async (server, want, limits, messagesOf) => {
      if (want <= 0 || !(await mayClaim(server))) return [];
      return connection.transaction(async (tx) => {
        await dialect.lockName(tx, 'sluice_jobs');
        const at = await now(tx);
        await takeOver(tx, project, dialect.now, at, messagesOf);
        const running = await tx.all(`SELECT uses FROM sluice_jobs WHERE project = $1 AND status = 'running'`, [project]);
        const used = new Map<string, number>();
        const count = (uses: readonly string[]): void => uses.forEach((name) => used.set(name, (used.get(name) ?? 0) + 1));
        for (const row of running) count(JSON.parse(textOf(row, 'uses')) as string[]);
        const due = await tx.all(
          `SELECT id, uses FROM sluice_jobs WHERE project = $1 AND status = 'queued' AND not_before <= $2 ORDER BY priority DESC, id LIMIT ${CANDIDATES}`,
          [project, at],
        );
        const claimed: JobRecord[] = [];
        for (const row of due) {
          if (claimed.length === want) break;
          const uses = JSON.parse(textOf(row, 'uses')) as string[];
          const free = uses.every((name) => (used.get(name) ?? 0) < (limits.get(name) ?? (name.startsWith('schedule:') ? 1 : Infinity)));
          if (!free) continue;
          const job = await get(tx, textOf(row, 'id'), dialect.lockRow);
          // Killed meanwhile.
          if (job?.status !== 'queued') continue;
          count(uses);
          claimed.push(await take(tx, job, server, at));
        }
        return claimed;
      });
    },

    claimJob: (server, id) =>
      connection.transaction(async (tx) => {
        await dialect.lockName(tx, 'sluice_jobs');
        const job = await get(tx, id, dialect.lockRow);
        return job?.status === 'queued' ? take(tx, job, server, await now(tx)) : undefined;
      }),

    heldJobs: async (server) => {
      const rows = await reader.all(`SELECT id, fence, kill_requested FROM sluice_jobs WHERE project = $1 AND status = 'running' AND holder = $2`, [
        project,
        server,
      ]);
      return rows.map((row) => ({ id: textOf(row, 'id'), fence: numberOf(row, 'fence'), killRequested: numberOf(row, 'kill_requested') !== 0 }));
    },

    finishJob: (claim, end) =>
      connection.transaction(async (tx) => {
        // Before the job's row is locked, as those who make the schedule's jobs do it.
        if (end.status === 'success' && claim.nominalTime !== null) await tellSla(tx, claim.name);
        const job = await held(tx, claim);
        const at = await now(tx);
        // Who had it killed may have said why.
        const error = end.status === 'killed' && job.killRequested ? (job.error ?? end.error) : end.error;
        const again = end.status === 'error' && end.retry && !job.killRequested && job.attempts < job.maxAttempts;
        const wait = Math.min(job.retryWait.maxMs, job.retryWait.initialMs * 2 ** (job.attempts - 1));
        await tx.run(`UPDATE sluice_jobs SET status = $2, holder = NULL, not_before = $3, finished_at = $4, result = $5, error = $6 WHERE id = $1`, [
          job.id,
          again ? 'queued' : end.status,
          again ? at + wait : job.notBefore,
          again ? null : at,
          end.result === null ? null : JSON.stringify(end.result),
          error === null ? null : JSON.stringify(error),
        ]);
        await insertMessages(tx, project, end.messages ?? []);
      }),

    returnJob: (claim) =>
      connection.transaction(async (tx) => {
        const job = await held(tx, claim);
        if (job.killRequested) await endKilled(tx, job.id, await now(tx));
        else
          await tx.run(`UPDATE sluice_jobs SET status = 'queued', holder = NULL, attempts = attempts - 1, started_at = NULL WHERE id = $1`, [job.id]);
      }),

    killJob: (id) =>
      connection.transaction(async (tx) => {
        const job = await get(tx, id, dialect.lockRow);
        if (job?.status === 'queued') await tx.run(`UPDATE sluice_jobs SET status = 'killed', finished_at = ${dialect.now} WHERE id = $1`, [id]);
        else if (job?.status === 'running') await tx.run('UPDATE sluice_jobs SET kill_requested = 1 WHERE id = $1', [id]);
        return job?.status === 'queued' || job?.status === 'running';
      }),

    retryJob: (id) =>
      connection.transaction(async (tx) => {
        const job = await get(tx, id);
        if (!job || job.status === 'queued' || job.status === 'running') {
          throw new ConflictError({
            code: job ? 'JOB_NOT_ENDED' : 'JOB_UNKNOWN',
            message: job ? `job ${id} is ${job.status}` : `no job ${id}`,
            hint: job ? 'wait until it has ended, or kill it' : '`sluice jobs` lists them',
          });
        }
        const at = await now(tx);
        const again: NewJob = { ...job, trigger: 'retry', notBefore: at };
        return insertJob(tx, project, again, at);
      }),

    expireJobs: (endedBefore, limit) =>
      connection.transaction(async (tx) => {
        const rows = await tx.all(
          `SELECT id, result, tags FROM sluice_jobs WHERE project = $1 AND finished_at < $2 ORDER BY finished_at LIMIT ${Math.floor(limit)}`,
          [project, endedBefore],
        );
        const ids = rows.map((row) => textOf(row, 'id'));
        for (const row of rows) {
          const id = textOf(row, 'id');
          for (const tag of JSON.parse(textOf(row, 'tags')) as string[])
            await tx.run('DELETE FROM sluice_job_tags WHERE project = $1 AND tag = $2 AND job_id = $3', [project, tag, id]);
          await tx.run('DELETE FROM sluice_job_log WHERE job_id = $1', [id]);
          await tx.run('DELETE FROM sluice_jobs WHERE id = $1', [id]);
        }
        await tx.run('DELETE FROM sluice_firings WHERE project = $1 AND recorded_at < $2', [project, endedBefore]);
        await tx.run('DELETE FROM sluice_sla_misses WHERE project = $1 AND missed_at < $2', [project, endedBefore]);
        const files = rows.flatMap((row) => {
          const result = row['result'] === null ? null : (JSON.parse(textOf(row, 'result')) as JobRecord['result']);
          return result?.resultFile ? [result.resultFile.uri] : [];
        });
        return { ids, resultFiles: files };
      }),

    claimPeriod: async (tx, schedule, nominalTime, jobId) => {
      const open = sqlOf(tx);
      await open.run(
        `INSERT INTO sluice_periods (project, schedule, nominal_time, job_id, committed_at) VALUES ($1, $2, $3, $4, ${dialect.now}) ON CONFLICT DO NOTHING`,
        [project, schedule, nominalTime, jobId],
      );
      const row = await open.get('SELECT job_id FROM sluice_periods WHERE project = $1 AND schedule = $2 AND nominal_time = $3', [
        project,
        schedule,
        nominalTime,
      ]);
      const owner = textOf(row, 'job_id');
      if (owner === jobId) return;
      throw new ConflictError({
        code: 'PERIOD_COMMITTED',
        message: `schedule ${schedule}: the period of ${new Date(nominalTime).toISOString()} was committed by job ${owner}`,
        hint: 'nothing to do; `sluice schedule run` repeats a period on purpose',
      });
    },
  };
}

/** Jobs of servers that are gone are queued again, or given up after too many of them. */
async function takeOver(
  tx: OpenTransaction,
  project: string,
  nowSql: string,
  at: number,
  messagesOf: Parameters<JobStore['claimJobs']>[3],
): Promise<void> {
  const running = await tx.all(`SELECT id, holder, takeovers, kill_requested FROM sluice_jobs WHERE project = $1 AND status = 'running'`, [project]);
  if (running.length === 0) return;
  const alive = await liveServers(tx, nowSql, project);
  for (const row of running.filter((each) => !alive.has(textOf(each, 'holder')))) {
    const id = textOf(row, 'id');
    if (numberOf(row, 'kill_requested') !== 0) {
      await endKilled(tx, id, at);
    } else if (numberOf(row, 'takeovers') + 1 < MAX_TAKEOVERS) {
      await tx.run(`UPDATE sluice_jobs SET status = 'queued', holder = NULL, attempts = attempts - 1, takeovers = takeovers + 1 WHERE id = $1`, [id]);
    } else {
      const error = {
        code: 'JOB_ABANDONED',
        message: `${MAX_TAKEOVERS} servers ended while they worked on it`,
        hint: 'see the log of the job and of the servers; memory is the usual cause',
      };
      await tx.run(`UPDATE sluice_jobs SET status = 'error', holder = NULL, finished_at = $2, error = $3 WHERE id = $1`, [
        id,
        at,
        JSON.stringify(error),
      ]);
      const ended = await tx.get('SELECT * FROM sluice_jobs WHERE id = $1', [id]);
      if (ended && messagesOf) await insertMessages(tx, project, await messagesOf(jobOf(ended)));
    }
  }
}

/** A job that was to be killed and runs nowhere any more. */
async function endKilled(tx: OpenTransaction, id: string, at: number): Promise<void> {
  const error = { code: 'JOB_KILLED', message: 'the job was killed', hint: `sluice job retry ${id} runs it anew` };
  await tx.run(`UPDATE sluice_jobs SET status = 'killed', holder = NULL, finished_at = $2, error = COALESCE(error, $3) WHERE id = $1`, [
    id,
    at,
    JSON.stringify(error),
  ]);
}

function conditions(project: string, filter: JobFilter): { where: string; params: readonly SqlValue[] } {
  const parts = ['project = $1'];
  const params: SqlValue[] = [project];
  const add = (sql: string, value: SqlValue): void => void parts.push(sql.replace('?', `$${params.push(value)}`));
  if (filter.status !== undefined) add('status = ?', filter.status);
  if (filter.name !== undefined) add('name = ?', filter.name);
  if (filter.open === true) parts.push('finished_at IS NULL');
  if (filter.kind !== undefined) add('kind = ?', filter.kind);
  if (filter.tag !== undefined) add('id IN (SELECT job_id FROM sluice_job_tags WHERE project = $1 AND tag = ?)', filter.tag);
  if (filter.before !== undefined) add('id < ?', filter.before);
  return { where: parts.join(' AND '), params };
}
