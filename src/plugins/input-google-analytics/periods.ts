import type { ConfigPlace, JsonValue } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { propertyName, type DateRangeConfig, type GoogleAnalyticsConfig } from './config.js';
import { addDays, daysBetween, type PropertyClock } from './property-clock.js';

/** Days to read, both ends included. */
export interface Period {
  readonly start: string;
  readonly end: string;
  readonly name?: string;
}

export interface LoadedDays {
  readonly property: string;
  readonly first_date: string;
  /** Days up to this one are loaded. */
  readonly last_date: string;
}

export interface PeriodContext {
  readonly place: ConfigPlace;
  readonly clock: PropertyClock;
  readonly now: number;
  readonly state: JsonValue | undefined;
  readonly useState: boolean;
  /** The report has a date dimension, so that each day stands for itself. */
  readonly daily: boolean;
}

const LATE_DATA_DAYS = 3;

/** What must hold before anything is asked of the service. */
export function checkPeriodKeys(config: GoogleAnalyticsConfig, daily: boolean, place: ConfigPlace): void {
  const fail = (path: string, message: string, hint: string): never => {
    throw configProblem(place, path, { code: 'GA_DATES', message, hint });
  };
  if ((config.start_date === undefined) === (config.date_ranges === undefined)) {
    fail(
      'start_date',
      `expected either start_date or date_ranges, found ${config.start_date === undefined ? 'neither' : 'both'}`,
      'give one of them, e.g. start_date: 30daysAgo',
    );
  }
  if (config.date_ranges !== undefined && config.end_date !== undefined)
    fail('end_date', 'end_date belongs to start_date, not to date_ranges', 'give each range its own end_date');
  if (config.incremental !== true) {
    if ((config.reread_days ?? 0) > 0) fail('reread_days', 'reread_days is for incremental: true', 'remove it, or set incremental: true');
    return;
  }
  if (!daily) {
    fail('incremental', 'incremental needs a dimension that dates each row, found none', 'add date, dateHour or dateHourMinute to dimensions');
  }
  if (config.date_ranges !== undefined)
    fail('incremental', 'incremental reads on from the last day, which several date_ranges cannot say', 'use start_date and end_date');
}

/** The periods of this run, in the property's time zone, and what the user should know about them. */
export function planPeriods(
  config: GoogleAnalyticsConfig,
  ctx: PeriodContext,
): { readonly periods: readonly Period[]; readonly notes: readonly string[] } {
  const notes: string[] = [];
  if (config.incremental === true) return { periods: incrementalPeriods(config, ctx, notes), notes };
  const ranges: readonly DateRangeConfig[] = config.date_ranges ?? [
    { start_date: config.start_date as string, ...(config.end_date === undefined ? {} : { end_date: config.end_date }) },
  ];
  const named = config.date_ranges !== undefined && (ranges.length > 1 || ranges.some((range) => range.name !== undefined));
  const periods = ranges.flatMap((range, i) => {
    const path = config.date_ranges === undefined ? '' : `date_ranges[${i}].`;
    const period = resolvePeriod(range, path, ctx, notes);
    return period === undefined ? [] : [named ? { ...period, name: range.name ?? `date_range_${i}` } : period];
  });
  if (ctx.daily) refuseOverlap(periods, ctx);
  return { periods, notes };
}

function incrementalPeriods(config: GoogleAnalyticsConfig, ctx: PeriodContext, notes: string[]): Period[] {
  const range = { start_date: config.start_date as string, ...(config.end_date === undefined ? {} : { end_date: config.end_date }) };
  const reread = config.reread_days ?? 0;
  const today = ctx.clock.dayOf(ctx.now);
  const end = clampToToday(resolveDay(range.end_date ?? 'yesterday', 'end_date', ctx), today, notes);
  if (end === today && reread === 0) {
    throw configProblem(ctx.place, 'end_date', {
      code: 'GA_DATES',
      message: `expected the last day to be over, found ${end}, which has just begun: its later rows would never be read`,
      hint: 'end with yesterday, or set reread_days: 1 or more with out.mode: merge',
    });
  }
  const loaded = ctx.useState ? readLoadedDays(ctx.state, config, ctx.place) : undefined;
  const first = resolveDay(range.start_date, 'start_date', ctx);
  if (loaded && first < loaded.first_date && /^\d/.test(range.start_date)) {
    notes.push(`days before ${loaded.first_date} were never loaded; run with --full-refresh to load from ${first}`);
  }
  const start = loaded ? latest(loaded.first_date, addDays(loaded.last_date, 1 - reread)) : first;
  if (loaded) notes.push(`days up to ${loaded.last_date} are loaded; this run reads ${start > end ? 'nothing' : `${start} to ${end}`}`);
  if (loaded && start <= loaded.last_date) {
    notes.push(`${start} to ${earliest(loaded.last_date, end)} are read again: the output must merge them (mode: merge, keys: the dimensions)`);
  }
  if (reread < LATE_DATA_DAYS && end >= addDays(today, -LATE_DATA_DAYS)) {
    notes.push(
      `data arrives up to ${LATE_DATA_DAYS} days late: set reread_days: ${LATE_DATA_DAYS} with mode: merge, or end_date: ${LATE_DATA_DAYS + 1}daysAgo`,
    );
  }
  return start > end ? [] : [{ start, end }];
}

/** The state after a run that read these periods. */
export function stateAfterPeriods(config: GoogleAnalyticsConfig, state: JsonValue | undefined, read: readonly Period[]): LoadedDays | undefined {
  if (config.incremental !== true || read.length === 0) return undefined;
  const old = state as LoadedDays | undefined;
  const starts = read.map(({ start }) => start);
  const ends = read.map(({ end }) => end);
  return {
    property: propertyName(config),
    first_date: [...starts, ...(old ? [old.first_date] : [])].reduce(earliest),
    last_date: [...ends, ...(old ? [old.last_date] : [])].reduce(latest),
  };
}

function readLoadedDays(state: JsonValue | undefined, config: GoogleAnalyticsConfig, place: ConfigPlace): LoadedDays | undefined {
  if (state === undefined || state === null) return undefined;
  const { property, first_date, last_date } = state as { readonly [key: string]: JsonValue };
  const isDay = (value: JsonValue | undefined): value is string => typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value);
  if (typeof property !== 'string' || !isDay(first_date) || !isDay(last_date)) {
    throw configProblem(place, 'incremental', {
      code: 'GA_STATE',
      message: 'expected a state with property, first_date and last_date, found another one',
      hint: 'see it with `sluice state show`; `sluice state reset` starts again',
    });
  }
  if (property === propertyName(config)) return { property, first_date, last_date };
  throw configProblem(place, 'property', {
    code: 'GA_STATE',
    message: `the state belongs to ${property}, found ${propertyName(config)} in the config`,
    hint: 'give the other property a pipeline of its own; or, to start again with it, `sluice state reset` or run --full-refresh',
  });
}

function resolvePeriod(range: DateRangeConfig, path: string, ctx: PeriodContext, notes: string[]): Period | undefined {
  const start = resolveDay(range.start_date, `${path}start_date`, ctx);
  const end = clampToToday(resolveDay(range.end_date ?? 'yesterday', `${path}end_date`, ctx), ctx.clock.dayOf(ctx.now), notes);
  if (start <= end) return { start, end };
  throw configProblem(ctx.place, `${path}start_date`, {
    code: 'GA_DATES',
    message: `expected a day not after the end, ${end}, found ${start}`,
    hint: "both are days in the property's time zone; end_date is yesterday when left out, and never after today",
  });
}

function clampToToday(end: string, today: string, notes: string[]): string {
  if (end <= today) return end;
  notes.push(`end_date ${end} is in the future: read up to today, ${today}`);
  return today;
}

/** A day of the config in the property's time zone. */
export function resolveDay(text: string, path: string, { clock, now, place }: Pick<PeriodContext, 'clock' | 'now' | 'place'>): string {
  const today = clock.dayOf(now);
  if (text === 'today') return today;
  if (text === 'yesterday') return addDays(today, -1);
  const ago = /^(\d+)daysAgo$/.exec(text);
  if (ago) return addDays(today, -Number(ago[1]));
  const instant = text.length > 10 ? Date.parse(/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`) : undefined;
  const day = instant === undefined ? text : Number.isNaN(instant) ? '' : clock.dayOf(instant);
  const at = Date.parse(`${day}T00:00:00Z`);
  if (!Number.isNaN(at) && new Date(at).toISOString().startsWith(day)) return day;
  throw configProblem(place, path, {
    code: 'GA_DATES',
    message: `expected a day of the calendar, found ${JSON.stringify(text)}`,
    hint: 'write a day such as 2024-02-29, today, yesterday or 7daysAgo',
  });
}

/** With a date dimension the same row would come twice, and nothing would tell the two apart but the range's name. */
function refuseOverlap(periods: readonly Period[], { place }: PeriodContext): void {
  const sorted = [...periods].sort((a, b) => (a.start < b.start ? -1 : 1));
  for (const [i, period] of sorted.entries()) {
    const next = sorted[i + 1];
    if (next === undefined || next.start > period.end) continue;
    throw configProblem(place, 'date_ranges', {
      code: 'GA_DATES',
      message: `expected ranges without a common day, since the report has a date dimension; found ${next.start} in two of them`,
      hint: 'make the ranges follow one another, or leave the date dimension out to compare periods',
    });
  }
}

/** Cuts the periods into what one task reads. */
export function splitPeriods(periods: readonly Period[], daysPerTask: number): Period[] {
  return periods.flatMap((period) => {
    const parts: Period[] = [];
    for (let start = period.start; start <= period.end; start = addDays(start, daysPerTask)) {
      parts.push({ ...period, start, end: earliest(addDays(start, daysPerTask - 1), period.end) });
    }
    return parts;
  });
}

export function countDays(periods: readonly Period[]): number {
  return periods.reduce((sum, { start, end }) => sum + daysBetween(start, end), 0);
}

function earliest(a: string, b: string): string {
  return a < b ? a : b;
}

function latest(a: string, b: string): string {
  return a > b ? a : b;
}
