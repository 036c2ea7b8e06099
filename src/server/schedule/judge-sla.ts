import type { ScheduleDefinition } from '../../core/config/index.js';
import { nextTime, timesBetween } from '../../core/schedule/next-time.js';
import type { Firing, FiringOutcome, JobStore, ScheduleRecord, SlaStep } from '../../core/spi/index.js';

/** A success is seen moments after the time that is stored with it. */
export const SETTLE_MS = 1000;
/** Until times that are due and have no outcome yet are looked at again. */
const BACKLOG_MS = 1000;
const PAGE = 1000;
const MOST_WAITING = 1000;
const LAST_SUCCESSES = 20;
/** Whoever paused a schedule, or let it skip, wants no such time. */
const NOT_PROMISED: ReadonlySet<FiringOutcome> = new Set(['skipped_paused', 'skipped_disabled', 'skipped_missed', 'skipped_overlap']);

export type SlaStore = Pick<JobStore, 'listFirings' | 'listJobs'>;

/** Decides which promises of a schedule are missed at `now`, the time of the database. */
export async function judgeSla(record: ScheduleRecord, definition: ScheduleDefinition, now: number, store: SlaStore): Promise<SlaStep> {
  const { finishWithinSecs = null, maxAgeSecs = null } = definition.sla ?? {};
  const expectedFrom = record.slaFrom ?? 0;
  const [times, age] = await Promise.all([
    finishWithinSecs === null ? undefined : judgeTimes(record, definition, { now, within: finishWithinSecs * 1000 }, store),
    maxAgeSecs === null || record.paused ? undefined : judgeAge(record, { now, maxAge: maxAgeSecs * 1000 }, store),
  ]);
  const checks = [times?.checkAt, age?.checkAt].filter((time) => typeof time === 'number');
  return {
    name: record.name,
    expectedFrom,
    misses: [...(times?.misses ?? []), ...(age?.misses ?? [])],
    from: times?.from ?? expectedFrom,
    checkAt: checks.length === 0 ? null : Math.min(...checks),
  };
}

type Judged = Pick<SlaStep, 'misses' | 'checkAt'>;

async function judgeTimes(
  record: ScheduleRecord,
  { times, delaySecs }: ScheduleDefinition,
  { now, within }: { readonly now: number; readonly within: number },
  store: SlaStore,
): Promise<Judged & { readonly from: number }> {
  const { cron, zone } = times;
  const from = record.slaFrom ?? 0;
  /** The newest time whose deadline has passed. */
  const until = now - SETTLE_MS - within;
  const firings = until < from ? [] : await firingsBetween(store, record.name, from, until);
  const missed = firings
    .filter(({ outcome, nominalTime, succeededAt }) => !NOT_PROMISED.has(outcome) && (succeededAt === null || succeededAt > nominalTime + within))
    .map(({ nominalTime }) => nominalTime);
  let judged = until;
  const { nextTime: pending } = record;
  if (pending !== null && pending <= until) {
    // A time that was looked at, and waits for what it depends on, was put off; those behind it wait with it.
    const waits = !record.paused && record.dueAt !== pending + delaySecs * 1000;
    const waiting = waits ? timesBetween(cron, zone, Math.max(from, pending) - 1, until, MOST_WAITING) : [];
    const decided = new Set(firings.map(({ nominalTime }) => nominalTime));
    missed.push(...waiting.filter((time) => !decided.has(time)));
    if (!waits) judged = pending - 1;
    else if (waiting.length === MOST_WAITING) judged = waiting.at(-1) ?? judged;
  }
  const next = Math.max(from, judged + 1);
  const following = nextTime(cron, zone, next - 1);
  return {
    misses: missed.sort((a, b) => a - b).map((time) => ({ kind: 'finish_within', nominalTime: time, deadline: time + within })),
    from: next,
    checkAt: judged < until ? now + BACKLOG_MS : following === null ? null : following + within + SETTLE_MS,
  };
}

async function judgeAge(
  record: ScheduleRecord,
  { now, maxAge }: { readonly now: number; readonly maxAge: number },
  store: SlaStore,
): Promise<Judged> {
  const jobs = await store.listJobs({ name: record.name, status: 'success', limit: LAST_SUCCESSES });
  const ends = jobs.filter(({ nominalTime }) => nominalTime !== null).map(({ finishedAt }) => finishedAt ?? 0);
  const since = ends.length === 0 ? record.createdAt : Math.max(...ends);
  const deadline = since + maxAge;
  // A success will have it looked at again.
  if (deadline <= now - SETTLE_MS) return { misses: [{ kind: 'max_age', nominalTime: since, deadline }], checkAt: null };
  return { misses: [], checkAt: deadline + SETTLE_MS };
}

async function firingsBetween(store: SlaStore, name: string, from: number, until: number): Promise<readonly Firing[]> {
  const found: Firing[] = [];
  for (let to = until + 1; ;) {
    const page = await store.listFirings(name, { from, to, limit: PAGE });
    found.push(...page);
    if (page.length < PAGE) return found;
    to = page.at(-1)?.nominalTime ?? from;
  }
}
