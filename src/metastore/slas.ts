import type { JobStore, SlaKind, SlaMiss } from '../core/spi/index.js';
import { numberOf, textOf, type Connection, type OpenTransaction, type SqlRow } from './connection.js';
import { insertMessages } from './messages.js';
import { listDue } from './schedules.js';

type SlaCalls = Pick<JobStore, 'dueSlas' | 'stepSla' | 'listSlaMisses'>;

/** Misses that are looked at for a success that came after all; older ones stay as they are. */
const MOST_OPEN = 1000;
/** Successes among which the first one after a deadline is looked for. */
const LAST_SUCCESSES = 20;

export function createSlas(connection: Connection, project: string): SlaCalls {
  const { reader, dialect } = connection;

  /** The open misses whose success has come, with its time. */
  const foundMet = async (tx: OpenTransaction, name: string): Promise<readonly SlaMiss[]> => {
    const open = await tx.all(
      `SELECT m.*, (SELECT MIN(finished_at) FROM sluice_jobs WHERE project = $1 AND name = $2 AND nominal_time = m.nominal_time AND status = 'success') AS own
       FROM sluice_sla_misses m WHERE m.project = $1 AND m.schedule = $2 AND m.met_at IS NULL ORDER BY m.nominal_time DESC LIMIT ${MOST_OPEN}`,
      [project, name],
    );
    if (open.length === 0) return [];
    const rows = await tx.all(
      `SELECT finished_at FROM sluice_jobs WHERE project = $1 AND name = $2 AND status = 'success' AND nominal_time IS NOT NULL
       ORDER BY id DESC LIMIT ${LAST_SUCCESSES}`,
      [project, name],
    );
    const successes = rows.map((row) => numberOf(row, 'finished_at')).sort((a, b) => a - b);
    return open.flatMap((row): SlaMiss[] => {
      const miss = missOf(row);
      const own = row['own'] === null ? null : numberOf(row, 'own');
      const metAt = miss.kind === 'finish_within' ? own : (successes.find((time) => time > miss.deadline) ?? null);
      return metAt === null ? [] : [{ ...miss, metAt }];
    });
  };

  const settleMet = async (tx: OpenTransaction, name: string): Promise<SlaMiss[]> => {
    const met = await foundMet(tx, name);
    for (const { kind, nominalTime, metAt } of met)
      await tx.run('UPDATE sluice_sla_misses SET met_at = $5 WHERE project = $1 AND schedule = $2 AND kind = $3 AND nominal_time = $4', [
        project,
        name,
        kind,
        nominalTime,
        metAt,
      ]);
    return [...met];
  };

  return {
    dueSlas: (limit) => listDue(connection, project, 'sla_check_at', limit),

    stepSla: (step, tell) =>
      connection.transaction(async (tx) => {
        const row = await tx.get(`SELECT sla_from FROM sluice_schedules WHERE project = $1 AND name = $2${dialect.lockRow}`, [project, step.name]);
        if (row?.['sla_from'] !== step.expectedFrom) return { missed: [], met: [] };
        const now = numberOf(await tx.get(`SELECT ${dialect.now} AS now`), 'now');
        // First, since a lapse that is over makes room for the next one.
        const met = await settleMet(tx, step.name);
        const missed: SlaMiss[] = [];
        for (const { kind, nominalTime, deadline } of step.misses) {
          // While nothing has succeeded there is one lapse, however its start is reckoned.
          const added = await tx.run(
            `INSERT INTO sluice_sla_misses (project, schedule, kind, nominal_time, deadline, missed_at, met_at)
             SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS BIGINT), CAST(NULL AS BIGINT)
             WHERE CAST($3 AS TEXT) <> 'max_age' OR NOT EXISTS
             (SELECT 1 FROM sluice_sla_misses WHERE project = $1 AND schedule = $2 AND kind = 'max_age' AND met_at IS NULL)
             ON CONFLICT DO NOTHING`,
            [project, step.name, kind, nominalTime, deadline, now],
          );
          if (added > 0) missed.push({ schedule: step.name, kind, nominalTime, deadline, missedAt: now, metAt: null });
        }
        // What succeeded while this was decided.
        if (missed.length > 0) met.push(...(await settleMet(tx, step.name)));
        await tx.run('UPDATE sluice_schedules SET sla_from = $3, sla_check_at = $4 WHERE project = $1 AND name = $2', [
          project,
          step.name,
          step.from,
          step.checkAt,
        ]);
        if (tell) await insertMessages(tx, project, tell({ missed, met }));
        return { missed, met };
      }),

    listSlaMisses: async ({ schedule, open, limit = 1000 }) => {
      const parts = ['m.project = $1', ...(schedule === undefined ? [] : ['m.schedule = $2'])];
      if (open === true)
        parts.push(
          'm.met_at IS NULL',
          'm.nominal_time = (SELECT MAX(nominal_time) FROM sluice_sla_misses WHERE project = m.project AND schedule = m.schedule AND met_at IS NULL AND kind = m.kind)',
          `(m.kind = 'max_age' OR NOT EXISTS
            (SELECT 1 FROM sluice_jobs WHERE project = m.project AND name = m.schedule AND nominal_time > m.nominal_time AND status = 'success'))`,
        );
      const rows = await reader.all(
        `SELECT m.* FROM sluice_sla_misses m WHERE ${parts.join(' AND ')} ORDER BY m.missed_at DESC, m.nominal_time DESC LIMIT ${Math.floor(limit)}`,
        schedule === undefined ? [project] : [project, schedule],
      );
      return rows.map(missOf);
    },
  };
}

function missOf(row: SqlRow): SlaMiss {
  return {
    schedule: textOf(row, 'schedule'),
    kind: textOf(row, 'kind') as SlaKind,
    nominalTime: numberOf(row, 'nominal_time'),
    deadline: numberOf(row, 'deadline'),
    missedAt: numberOf(row, 'missed_at'),
    metAt: row['met_at'] === null ? null : numberOf(row, 'met_at'),
  };
}
