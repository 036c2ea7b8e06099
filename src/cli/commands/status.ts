import type { JobRecord, ScheduleRecord, SlaMiss } from '../../core/spi/index.js';
import type { Command, CommandContext } from '../command.js';
import { formatCount, formatCountOf, formatSeconds, formatTable, formatTime } from '../format.js';
import { jobFacts } from '../job-text.js';
import { missFacts } from '../schedule-view.js';
import { withSession } from '../session.js';

const LINES = 5;

export const command: Command = {
  name: 'status',
  usage: '',
  summary: 'An overview on one screen: servers, jobs, what failed, what comes next.',
  options: {},
  examples: ['sluice status', 'sluice status --json'],
  arity: [0, 0],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const store = await session.metastore();
      const [now, servers, counts, running, recent, schedules, late, tables] = await Promise.all([
        store.now(),
        store.countServers(),
        store.countJobs(),
        store.listJobs({ status: 'running', limit: 1000 }),
        store.listJobs({ limit: 1000 }),
        store.listSchedules(),
        store.listSlaMisses({ open: true }),
        store.catalog.listTables(),
      ]);
      const overview: Overview = {
        project: session.project.name,
        now,
        servers,
        counts,
        running,
        failing: stillFailing(recent),
        schedules,
        late,
        tables: tables.length,
      };
      await (context.out.json ? printJson(context, overview) : context.out.printLine(textOf(overview).join('\n')));
      return 0;
    }),
};

interface Overview {
  readonly project: string;
  readonly now: number;
  readonly servers: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly running: readonly JobRecord[];
  readonly failing: readonly JobRecord[];
  readonly schedules: readonly ScheduleRecord[];
  /** Promises of schedules that were missed and not made good since. */
  readonly late: readonly SlaMiss[];
  readonly tables: number;
}

/** The newest failed job of each name that has not worked since. */
function stillFailing(recent: readonly JobRecord[]): readonly JobRecord[] {
  const seen = new Set<string>();
  return recent.filter(({ name, status }) => {
    if (seen.has(name) || (status !== 'error' && status !== 'success')) return false;
    seen.add(name);
    return status === 'error';
  });
}

function printJson({ out }: CommandContext, overview: Overview): Promise<void> {
  const iso = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());
  return out.printJson({
    event: 'status',
    project: overview.project,
    time: iso(overview.now),
    servers: overview.servers,
    jobs: overview.counts,
    running: overview.running.map(jobFacts),
    failing: overview.failing.map(jobFacts),
    schedules: overview.schedules.map(({ name, paused, nextTime, dueAt }) => ({ name, paused, next_time: iso(nextTime), due_at: iso(dueAt) })),
    late: overview.late.map((miss) => ({ schedule: miss.schedule, ...missFacts(miss) })),
    tables: overview.tables,
  });
}

function textOf({ project, now, servers, counts, running, failing, schedules, late, tables }: Overview): readonly string[] {
  const paused = schedules.filter((each) => each.paused).length;
  const serving =
    servers === 0 ? 'nothing serves it: start `sluice serve`' : `${formatCountOf(servers, 'process').replace(/processs$/, 'processes')} serving`;
  const lines = [
    `${project}: ${serving}`,
    `${formatCountOf(tables, 'table')}; ${formatCountOf(schedules.length, 'schedule')}${paused > 0 ? `, ${paused} paused` : ''}; jobs: ` +
      ['queued', 'running', 'success', 'error', 'killed'].map((status) => `${formatCount(counts[status] ?? 0)} ${status}`).join(', '),
  ];
  const section = (title: string, headers: readonly string[], rows: readonly (readonly string[])[]): void => {
    if (rows.length === 0) return;
    const more = rows.length > LINES ? [`and ${formatCount(rows.length - LINES)} more`] : [];
    lines.push('', title, formatTable(headers, rows.slice(0, LINES)), ...more);
  };
  section(
    'running',
    ['job', 'name', 'try', 'for'],
    running.map((job) => [job.id, job.name, String(job.attempts), formatSeconds(Math.max(0, now - (job.startedAt ?? now)) / 1000)]),
  );
  section(
    'failing',
    ['job', 'name', 'ended (UTC)', 'error'],
    failing.map((job) => [job.id, job.name, job.finishedAt === null ? '' : formatTime(job.finishedAt), job.error?.code ?? '']),
  );
  section(
    'late',
    ['schedule', 'for (UTC)', 'success due by (UTC)'],
    late.map(({ schedule, kind, nominalTime, deadline }) => [
      schedule,
      kind === 'finish_within' ? formatTime(nominalTime) : '',
      formatTime(deadline),
    ]),
  );
  const coming = schedules.filter((each) => !each.paused && each.dueAt !== null).sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0));
  section(
    'next',
    ['schedule', 'for (UTC)', 'due in'],
    coming.map(({ name, nextTime, dueAt }) => [name, formatTime(nextTime ?? 0), formatSeconds(Math.max(0, (dueAt ?? now) - now) / 1000)]),
  );
  return lines;
}
