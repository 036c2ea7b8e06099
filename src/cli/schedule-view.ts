import type { ScheduleDefinition } from '../core/config/index.js';
import { timesBetween } from '../core/schedule/next-time.js';
import type { Firing, JobRecord, JsonObject, ScheduleRecord, SlaMiss } from '../core/spi/index.js';
import type { Metastore } from '../metastore/types.js';
import { describeSla } from '../server/schedule/promise-text.js';
import { dueAfter } from '../server/schedule/scheduler.js';
import type { CommandContext } from './command.js';
import { formatSeconds, formatTable, formatTime } from './format.js';

/** A schedule as its config and the metastore know it; no record: no server has seen it yet. */
export interface KnownSchedule {
  readonly definition: ScheduleDefinition;
  readonly record: ScheduleRecord | undefined;
  /** A promise that it has missed, and not made good since. */
  readonly missed: SlaMiss | undefined;
}

export function scheduleFacts(known: KnownSchedule, now: number): JsonObject {
  const { definition, record, missed } = known;
  const next = nextOf(known, now);
  return {
    name: definition.name,
    runs: describeWork(definition),
    cron: definition.cron,
    timezone: definition.timezone,
    delay_secs: definition.delaySecs,
    catch_up: definition.catchUp,
    overlap: definition.overlap,
    depends_on: definition.dependsOn,
    enabled: definition.enabled,
    paused: record?.paused ?? false,
    priority: definition.priority,
    tags: definition.tags,
    sla: definition.sla && { finish_within_secs: definition.sla.finishWithinSecs, max_age_secs: definition.sla.maxAgeSecs },
    sla_missed: missed ? missFacts(missed) : null,
    created_at: isoOrNull(record?.createdAt ?? null),
    next_time: isoOrNull(next.nextTime),
    due_at: isoOrNull(next.dueAt),
  };
}

export async function printSchedules(context: CommandContext, known: readonly KnownSchedule[], now: number): Promise<void> {
  const { out } = context;
  if (out.json) {
    for (const each of known) await out.printJson(scheduleFacts(each, now));
    return;
  }
  if (known.length === 0) return out.say('no schedules; docs/schedules.md shows how to write one');
  const rows = known.map((each) => [
    each.definition.name,
    describeWork(each.definition),
    each.definition.cron,
    each.definition.timezone,
    timeOrDash(nextOf(each, now).nextTime),
    stateOf(each),
  ]);
  await out.printLine(formatTable(['schedule', 'runs', 'cron', 'timezone', 'next (UTC)', 'state'], rows));
}

export async function printSchedule(context: CommandContext, known: KnownSchedule, store: Metastore, now: number): Promise<void> {
  const { definition } = known;
  const next = nextOf(known, now).nextTime;
  const times = next === null ? [] : timesBetween(definition.times.cron, definition.times.zone, next - 1, Number.MAX_SAFE_INTEGER, 5);
  const runs = await readRuns(store, definition.name, { limit: 10 });
  if (context.out.json) {
    await context.out.printJson({ ...scheduleFacts(known, now), next_times: times.map(isoOrNull), last: runs.map(runFacts) });
    return;
  }
  const { retries, timeoutSecs } = definition;
  const facts: [string, string][] = [
    ['runs', describeWork(definition)],
    ['cron', `${definition.cron} (${definition.timezone})${definition.delaySecs === 0 ? '' : `, ${definition.delaySecs} s later`}`],
    ['state', stateOf(known)],
    ['next (UTC)', times.map(formatTime).join(', ') || 'never'],
    ['catch up', definition.catchUp],
    ['overlap', definition.overlap],
    ['timeout', timeoutSecs === null ? 'none' : `${timeoutSecs} s`],
    ['retries', retries.limit === 0 ? 'none' : `${retries.limit}, after ${retries.initialWaitSecs} s up to ${retries.maxWaitSecs} s`],
    ...(definition.dependsOn.length === 0 ? [] : ([['depends on', definition.dependsOn.join(', ')]] as [string, string][])),
    ...(definition.sla === null ? [] : ([['sla', describeSla(definition.sla)]] as [string, string][])),
    ...(known.missed ? ([['missed', describeMiss(known.missed)]] as [string, string][]) : []),
    ...(definition.tags.length === 0 ? [] : ([['tags', definition.tags.join(', ')]] as [string, string][])),
  ];
  await context.out.printLine(`${definition.name}\n${facts.map(([key, value]) => `  ${key.padEnd(11)} ${value}`).join('\n')}`);
  if (runs.length > 0) await context.out.printLine(`\n${runTable(runs)}`);
}

/** What became of a nominal time, or a run of it on purpose. */
export interface ScheduleRun {
  readonly nominalTime: number;
  readonly trigger: JobRecord['trigger'];
  /** How the job ended or why there is none. */
  readonly outcome: string;
  readonly jobId: string | null;
  readonly job: JobRecord | undefined;
}

/** Newest first. */
export async function readRuns(
  store: Metastore,
  name: string,
  filter: { readonly from?: number; readonly to?: number; readonly limit: number },
): Promise<readonly ScheduleRun[]> {
  const { from = -Infinity, to = Infinity, limit } = filter;
  const firings = await store.listFirings(name, filter);
  const jobs = await store.listJobs({ name, limit: 1000 });
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const oldest = firings.length === limit ? (firings.at(-1)?.nominalTime ?? from) : from;
  const extra = jobs.flatMap((job): ScheduleRun[] => {
    const { nominalTime } = job;
    if (nominalTime === null || job.trigger === 'timer' || nominalTime < Math.max(oldest, from) || nominalTime >= to) return [];
    return [{ nominalTime, trigger: job.trigger, outcome: job.status, jobId: job.id, job }];
  });
  return [...firings.map((firing) => runOfFiring(firing, byId)), ...extra]
    .sort((a, b) => b.nominalTime - a.nominalTime || ((b.jobId ?? '') < (a.jobId ?? '') ? -1 : 1))
    .slice(0, limit);
}

function runOfFiring({ nominalTime, outcome, jobId, jobStatus }: Firing, jobs: ReadonlyMap<string, JobRecord>): ScheduleRun {
  return {
    nominalTime,
    trigger: 'timer',
    outcome: outcome === 'queued' ? (jobStatus ?? 'kept no more') : outcome,
    jobId,
    job: jobId === null ? undefined : jobs.get(jobId),
  };
}

export async function printRuns(context: CommandContext, runs: readonly ScheduleRun[]): Promise<void> {
  if (context.out.json) for (const run of runs) await context.out.printJson(runFacts(run));
  else if (runs.length === 0) context.out.say('it has not run yet');
  else await context.out.printLine(runTable(runs));
}

function runTable(runs: readonly ScheduleRun[]): string {
  return formatTable(
    ['nominal time (UTC)', 'trigger', 'outcome', 'started (UTC)', 'took', 'rows', 'job'],
    runs.map(({ nominalTime, trigger, outcome, jobId, job }) => [
      formatTime(nominalTime),
      trigger,
      outcome,
      timeOrDash(job?.startedAt ?? null),
      tookOf(job),
      job?.result?.rowsWritten === undefined ? '' : String(job.result.rowsWritten),
      jobId ?? '',
    ]),
  );
}

function tookOf(job: JobRecord | undefined): string {
  const { startedAt = null, finishedAt = null } = job ?? {};
  return startedAt === null || finishedAt === null ? '' : formatSeconds((finishedAt - startedAt) / 1000);
}

function runFacts({ nominalTime, trigger, outcome, jobId, job }: ScheduleRun): JsonObject {
  return {
    nominal_time: isoOrNull(nominalTime),
    trigger,
    outcome,
    job_id: jobId,
    attempts: job?.attempts ?? null,
    started_at: isoOrNull(job?.startedAt ?? null),
    finished_at: isoOrNull(job?.finishedAt ?? null),
    rows_written: job?.result?.rowsWritten ?? null,
    error: job?.error?.code ?? null,
  };
}

export function describeWork({ payload }: ScheduleDefinition): string {
  if (payload.kind === 'pipeline')
    return payload.file === undefined ? 'pipeline' : `${payload.file}${payload.pipeline === undefined ? '' : ` (${payload.pipeline})`}`;
  if (payload.kind === 'maintain') return 'upkeep';
  const target = payload.into?.['table'] ?? payload.out?.['connection'] ?? payload.out?.['type'];
  return typeof target === 'string' ? `SQL → ${target}` : 'SQL';
}

function nextOf({ definition, record }: KnownSchedule, now: number): { nextTime: number | null; dueAt: number | null } {
  return record?.definitionHash === definition.timesHash ? record : dueAfter(definition, now);
}

export function missFacts({ kind, nominalTime, deadline, missedAt }: SlaMiss): JsonObject {
  return {
    kind,
    nominal_time: kind === 'finish_within' ? isoOrNull(nominalTime) : null,
    deadline: isoOrNull(deadline),
    missed_at: isoOrNull(missedAt),
  };
}

/** `the time of 2026-01-31 00:00:00 had to succeed by 02:00:00`, in UTC. */
export function describeMiss({ kind, nominalTime, deadline }: SlaMiss): string {
  const what = kind === 'finish_within' ? `${formatTime(nominalTime)} had to succeed` : `a success was due after ${formatTime(nominalTime)}`;
  return `${what} by ${formatTime(deadline)}`;
}

function stateOf({ definition, record, missed }: KnownSchedule): string {
  if (!definition.enabled) return 'disabled';
  const state = record?.paused === true ? 'paused' : record === undefined ? 'not started' : 'active';
  return missed && definition.sla ? `${state}, late` : state;
}

function timeOrDash(time: number | null): string {
  return time === null ? '-' : formatTime(time);
}

function isoOrNull(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
