import type { ScheduleDefinition } from '../../core/config/index.js';
import { didYouMean, ConfigError, type JobRecord, type NewJob } from '../../core/spi/index.js';
import type { Metastore } from '../../metastore/types.js';
import { flag, text, type Command, type CommandContext } from '../command.js';
import { formatCountOf } from '../format.js';
import { parseScheduledTime } from '../scheduled-time.js';
import { printRuns, printSchedule, printSchedules, readRuns, type KnownSchedule } from '../schedule-view.js';
import { withSession, type Session } from '../session.js';
import { countOption, usageError } from '../subcommand.js';

const VERBS = ['list', 'show', 'run', 'backfill', 'pause', 'resume', 'history'];
const MOST_PERIODS = 10_000;

export const command: Command = {
  name: 'schedule',
  usage: 'list | show NAME | run NAME | backfill NAME --from TIME --to TIME | pause NAME | resume NAME | history NAME',
  summary: 'List schedules, run their periods by hand, pause and resume them.',
  details:
    '`run` makes a further run now; with --at or --last it repeats periods, as `backfill` does for all from --from to --to, both included. ' +
    'Repeats neither read nor move the cursor, and need merge, replace or replace_where unless --append-again is given. They are jobs for ' +
    '`sluice serve`; where none is alive, they run here. Times without a zone are of the timezone of the schedule.',
  options: {
    at: { of: ['run'], value: 'TIME', help: 'repeat the period of this nominal time' },
    last: { of: ['run'], value: 'N', help: 'repeat the last N periods' },
    from: { of: ['backfill', 'history'], value: 'TIME', help: 'the first nominal time' },
    to: { of: ['backfill', 'history'], value: 'TIME', help: 'the last nominal time' },
    parallel: { of: ['backfill'], help: 'several periods at once; not for pipelines with state' },
    'append-again': { of: ['run', 'backfill'], help: 'repeat a period although its rows will then stand twice' },
    queue: { of: ['run', 'backfill'], help: 'leave the jobs to a server, also where none is alive' },
    tag: { of: ['list'], value: 'TAG', help: 'only schedules with this tag' },
    limit: { of: ['history'], value: 'N', help: 'at most so many lines (default: 20)' },
  },
  examples: [
    'sluice schedule list',
    'sluice schedule list --tag team:growth',
    'sluice schedule run daily_orders --at 2026-01-31',
    'sluice schedule backfill daily_orders --from 2026-01-01 --to 2026-01-31',
    'sluice schedule history daily_orders --limit 5',
  ],
  subcommands: VERBS,
  arity: [1, 2],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const [verb = '', name] = context.args;
      const definitions = await loadDefinitions(context, session);
      if (verb === 'list') {
        if (name !== undefined) throw usageError('schedule list', 'expected no name', `sluice schedule show ${name}`);
        return listAll(context, session, definitions);
      }
      return withOne(context, session, verb, find(definitions, verb, name));
    }),
};

async function loadDefinitions(context: CommandContext, session: Session): Promise<readonly ScheduleDefinition[]> {
  const { loadProjectSchedules } = await import('../../server/schedule/load-schedules.js');
  const { env, cwd } = context.environment;
  return loadProjectSchedules(session.project, { registry: session.registry, env, cwd });
}

function find(definitions: readonly ScheduleDefinition[], verb: string, name: string | undefined): ScheduleDefinition {
  if (name === undefined) throw usageError(`schedule ${verb}`, 'expected the name of a schedule', '`sluice schedule list` shows them');
  const found = definitions.find((definition) => definition.name === name);
  if (found) return found;
  const names = definitions.map((definition) => definition.name);
  throw new ConfigError({
    code: 'SCHEDULE_UNKNOWN',
    message: `no schedule "${name}"${didYouMean(name, names)}`,
    hint: '`sluice schedule list` shows them',
  });
}

async function listAll(context: CommandContext, session: Session, definitions: readonly ScheduleDefinition[]): Promise<number> {
  const store = await session.metastore();
  const [all, open] = await Promise.all([store.listSchedules(), store.listSlaMisses({ open: true })]);
  const records = new Map(all.map((record) => [record.name, record]));
  const missed = new Map(open.map((miss) => [miss.schedule, miss]));
  const tag = text(context.options, 'tag');
  await printSchedules(
    context,
    definitions
      .filter(({ tags }) => tag === undefined || tags.includes(tag))
      .map((definition) => ({ definition, record: records.get(definition.name), missed: missed.get(definition.name) })),
    await store.now(),
  );
  return 0;
}

async function withOne(context: CommandContext, session: Session, verb: string, definition: ScheduleDefinition): Promise<number> {
  const store = await session.metastore();
  const now = await store.now();
  const [missed] = await store.listSlaMisses({ schedule: definition.name, open: true, limit: 1 });
  const known: KnownSchedule = { definition, record: await store.getSchedule(definition.name), missed };
  switch (verb) {
    case 'show':
      await printSchedule(context, known, store, now);
      return 0;
    case 'history':
      return printHistory(context, store, definition);
    case 'pause':
    case 'resume':
      return pause(context, session, definition, verb === 'pause');
    case 'run':
      return start(context, session, definition, await jobsOfRun(context, definition, now));
    default:
      return start(context, session, definition, await jobsOfBackfill(context, definition, now));
  }
}

async function printHistory(context: CommandContext, store: Metastore, definition: ScheduleDefinition): Promise<number> {
  const [from, to] = [await timeOption(context, 'from', definition), await timeOption(context, 'to', definition)];
  const limit = countOption('schedule history', 'limit', text(context.options, 'limit')) ?? 20;
  const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to: to + 1 }) };
  await printRuns(context, await readRuns(store, definition.name, { ...range, limit }));
  return 0;
}

async function pause(context: CommandContext, session: Session, definition: ScheduleDefinition, paused: boolean): Promise<number> {
  const store = await session.metastore();
  const { name } = definition;
  if (!(await store.pauseSchedule(name, paused))) {
    // No server has seen it yet: it is made known first.
    const { createScheduler } = await import('../../server/schedule/scheduler.js');
    const definitions = await loadDefinitions(context, session);
    await createScheduler({ store, definitions: () => definitions, clock: context.environment.clock, log: context.out.logger }).sync();
    await store.pauseSchedule(name, paused);
  }
  if (context.out.json) await context.out.printJson({ event: 'schedule', name, paused });
  else context.out.say(paused ? `${name} is paused: its times are recorded as skipped` : `${name} runs again`);
  return 0;
}

async function jobsOfRun(context: CommandContext, definition: ScheduleDefinition, now: number): Promise<readonly NewJob[]> {
  const { extraJob, lastPeriods, checkPeriod, periodJob } = await import('../../server/schedule/schedule-jobs.js');
  const at = await timeOption(context, 'at', definition);
  const last = countOption('schedule run', 'last', text(context.options, 'last'));
  if (at !== undefined && last !== undefined) throw usageError('schedule run', '--at and --last name periods in two ways', 'leave one of them out');
  if (at === undefined && last === undefined) return [extraJob(definition, now)];
  if (at !== undefined) checkPeriod(definition, at);
  if (last !== undefined && (last < 1 || last > MOST_PERIODS))
    throw usageError('schedule run', `--last: expected 1 to ${MOST_PERIODS}`, 'e.g. --last 3');
  const times = at === undefined ? lastPeriods(definition, now, last ?? 1) : [at];
  return times.map((time) => periodJob(definition, time, { trigger: 'manual', appendAgain: flag(context.options, 'append-again') }));
}

async function jobsOfBackfill(context: CommandContext, definition: ScheduleDefinition, now: number): Promise<readonly NewJob[]> {
  const { checkPeriodRun, periodJob, periodsBetween } = await import('../../server/schedule/schedule-jobs.js');
  const [from, to] = [await timeOption(context, 'from', definition), await timeOption(context, 'to', definition)];
  const example = `e.g. sluice schedule backfill ${definition.name} --from 2026-01-01 --to 2026-01-31`;
  if (from === undefined || to === undefined) throw usageError('schedule backfill', 'expected --from and --to', example);
  if (to < from) throw usageError('schedule backfill', '--to lies before --from', example);
  const options = { trigger: 'backfill', parallel: flag(context.options, 'parallel'), appendAgain: flag(context.options, 'append-again') } as const;
  checkPeriodRun(definition, options);
  const times = periodsBetween(definition, from, Math.min(to, now), MOST_PERIODS + 1);
  if (times.length > MOST_PERIODS) throw usageError('schedule backfill', `more than ${MOST_PERIODS} periods`, 'take a shorter range');
  if (times.length === 0) throw usageError('schedule backfill', `${definition.name} has no time in that range until now`, example);
  return times.map((time) => periodJob(definition, time, options));
}

async function start(context: CommandContext, session: Session, definition: ScheduleDefinition, jobs: readonly NewJob[]): Promise<number> {
  const store = await session.metastore();
  const { out, environment, signal } = context;
  const ids = await store.transaction(async (tx) => {
    const added: string[] = [];
    for (const job of jobs) added.push(await store.addJob(job, tx));
    return added;
  });
  if (flag(context.options, 'queue') || (await store.countServers()) > 0) {
    for (const [i, id] of ids.entries()) await reportQueued(context, definition, id, jobs[i]?.nominalTime ?? null);
    return 0;
  }
  const { runJobsHere } = await import('../../server/schedule/run-here.js');
  out.say(`no server is alive: ${formatCountOf(ids.length, 'job')} of ${definition.name} ${ids.length === 1 ? 'runs' : 'run'} here`);
  const ended = await runJobsHere(ids, {
    session,
    env: environment.env,
    clock: environment.clock,
    signal,
    onLog: (job, level, line) => out.logger.log(level, line, { job: job.id }),
    onTry: (job) => {
      if (job.status === 'queued') out.say(`${nominal(job)}: ${job.error?.code ?? 'error'}, is tried again`);
      else if (!out.json) out.say(`${nominal(job)}: ${describeEnd(job)}`);
    },
  });
  for (const job of ended) if (out.json) await out.printJson(jobFacts(definition, job));
  const failed = ended.filter((job) => job.status !== 'success').length;
  if (failed > 0)
    out.say(`${failed} of ${formatCountOf(ended.length, 'job')} did not succeed; sluice schedule history ${definition.name} shows them`);
  return signal.aborted ? 130 : failed > 0 ? 1 : 0;
}

async function reportQueued(context: CommandContext, definition: ScheduleDefinition, id: string, nominalTime: number | null): Promise<void> {
  const time = nominalTime === null ? null : new Date(nominalTime).toISOString();
  if (context.out.json) await context.out.printJson({ event: 'job', schedule: definition.name, job_id: id, nominal_time: time, status: 'queued' });
  else context.out.say(`queued ${id}${time === null ? '' : ` for ${time}`}; sluice job log -f ${id} follows it`);
}

function jobFacts(definition: ScheduleDefinition, job: JobRecord): object {
  return {
    event: 'job',
    schedule: definition.name,
    job_id: job.id,
    nominal_time: nominal(job),
    status: job.status,
    attempts: job.attempts,
    result: job.result,
    error: job.error,
  };
}

function describeEnd({ status, error, result, id }: JobRecord): string {
  if (status === 'success') return `success, ${formatCountOf(result?.rowsWritten ?? 0, 'row')} (job ${id})`;
  return `${status}${error === null ? '' : ` ${error.code}: ${error.message}${error.hint === undefined ? '' : `\n  hint: ${error.hint}`}`} (job ${id})`;
}

function nominal({ nominalTime }: JobRecord): string | null {
  return nominalTime === null ? null : new Date(nominalTime).toISOString();
}

/** A time option; without a zone of its own it is one of the schedule's. */
async function timeOption(context: CommandContext, name: string, { times }: ScheduleDefinition): Promise<number | undefined> {
  const given = text(context.options, name);
  if (given === undefined) return undefined;
  const local = /^\s*(\d{4})-(\d\d?)-(\d\d?)(?:[ T](\d\d?):(\d\d)(?::(\d\d))?)?\s*$/.exec(given);
  // Judges dates that do not exist, too.
  const utc = await parseScheduledTime(given, name);
  if (!local) return utc;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = local.slice(1).map((part) => Number(part ?? 0));
  const wall = { year, month, day, hour, minute, second };
  return times.zone.instants(wall)[0] ?? times.zone.afterGap(wall);
}
