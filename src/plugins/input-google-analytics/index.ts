import { defineInput, RemoteError, type ColumnType, type ConfigPlace, type InputPlan, type PluginContext } from '../../core/spi/index.js';
import { clientOf, type AnalyticsClient, type RunReportResponse } from './analytics-client.js';
import { readTask, type GoogleAnalyticsConfig } from './config.js';
import { guessReport } from './guess.js';
import { checkNames, incompatibleFields, incompatibleProblem } from './name-checks.js';
import { checkPeriodKeys, countDays, planPeriods, splitPeriods, stateAfterPeriods } from './periods.js';
import { openClock, type PropertyClock } from './property-clock.js';
import { readReport } from './read-report.js';
import { accuracyFacts, quotaFacts } from './report-facts.js';
import { dimensionType, metricType, readShape, reportColumns, reportRequest, type ReportShape } from './report-shape.js';
import { checkRequest } from './request-checks.js';
import { rowReader, taskName } from './row-values.js';
import { googleAnalyticsInputSchema } from './schema.js';

/** Requests from which on a plan mentions that days can be read together. */
const MANY_TASKS = 60;
const SMALL_DAY = 2000;

export default defineInput<GoogleAnalyticsConfig>({
  kind: 'input',
  form: 'tasks',
  type: 'google_analytics',
  summary: 'Reads reports of a Google Analytics 4 property.',
  stability: 'beta',
  schema: googleAnalyticsInputSchema,
  examples: [
    {
      title: 'Users by day and country, each day once it is over',
      config: {
        type: 'google_analytics',
        property: '123456789',
        json_keyfile: 'secrets/analytics.json',
        dimensions: ['date', 'country'],
        metrics: ['activeUsers', 'eventCount'],
        start_date: '2024-01-01',
        incremental: true,
        reread_days: 3,
      },
    },
    {
      title: 'Two periods compared, without dates',
      config: {
        type: 'google_analytics',
        property: '123456789',
        dimensions: ['deviceCategory'],
        metrics: ['activeUsers'],
        date_ranges: [
          { start_date: '28daysAgo', name: 'month' },
          { start_date: '7daysAgo', name: 'week' },
        ],
      },
    },
  ],

  async plan(config, ctx) {
    const shape = readShape(config);
    checkRequest(config, shape, ctx.place);
    checkPeriodKeys(config, shape.time !== undefined, ctx.place);
    const client = clientOf(config, ctx.root);
    const metadata = await client.metadata(ctx);
    const notes = [...checkNames(config, shape, metadata, ctx.place)];
    const { probe, zone, clock } = await probeReport(client, config, shape, ctx.place, ctx);
    const types = [...(metadata.metrics ?? []).map((m) => [m.apiName, m.type]), ...(probe.metricHeaders ?? []).map((h) => [h.name, h.type])];
    const metricTypes = new Map(types.map(([name, type]) => [name ?? '', type ?? '']));
    const daily = shape.time !== undefined;
    const planned = planPeriods(config, { place: ctx.place, clock, now: ctx.clock.now(), state: ctx.state, useState: ctx.useState, daily });
    const parts = daily ? splitPeriods(planned.periods, config.days_per_request ?? 1) : planned.periods;
    notes.unshift(`days are of the property's time zone, ${zone}; amounts are in ${probe.metadata?.currencyCode ?? 'its currency'}`);
    notes.push(...planned.notes, ...shapeNotes(config, shape, planned.periods, probe, parts.length));
    return {
      columns: reportColumns(config, shape, metricTypes, ctx.place).map(({ name, type, text }) => ({ name, type, text: text ?? {} })),
      tasks: parts.map(({ start, end, name }) => ({ start, end, zone, ...(name === undefined ? {} : { range: name }) })),
      notes,
      // Said from the first run on, so that an output that would double rows is refused before it does.
      ...(ctx.useState && config.incremental === true && (config.reread_days ?? 0) > 0 ? { rereads: true } : {}),
    };
  },

  open(json, plan, config, ctx) {
    const task = readTask(json);
    const shape = readShape(config);
    const clock = needClock(task.zone);
    const columns = plannedColumns(plan, config, shape);
    const client = clientOf(config, ctx.root);
    const reading = { client, config, shape, request: reportRequest(config, shape), task, read: rowReader(columns, shape, task, clock) };
    return Promise.resolve({
      form: 'rows',
      columns: plan.columns,
      source: `${client.property} ${taskName(task)}`,
      batches: () => readReport(reading, ctx),
    });
  },

  nextState(plan, state, config) {
    const after = stateAfterPeriods(config, state, plan.tasks.map(readTask));
    return after === undefined ? undefined : { ...after };
  },

  guess: (config, ctx) => guessReport(config, ctx),

  async probe(config, ctx) {
    // A named connection has no report of its own.
    const whole = config.metrics === undefined ? { ...config, dimensions: [], metrics: ['activeUsers'] } : config;
    const shape = readShape(whole);
    const place: ConfigPlace = { at: (path) => ({ path }) };
    checkRequest(whole, shape, place);
    const client = clientOf(config, ctx.root);
    const metadata = await client.metadata(ctx);
    checkNames(whole, shape, metadata, place);
    await refuseIncompatible(client, whole, shape, place, ctx);
    const { probe, zone } = await probeReport(client, whole, shape, place, ctx);
    const fields = `${metadata.dimensions?.length ?? 0} dimensions and ${metadata.metrics?.length ?? 0} metrics`;
    return `Google Analytics ${client.property}, ${zone}, ${probe.metadata?.currencyCode ?? 'no currency'}, ${fields}`;
  },

  async discover(config, ctx) {
    const client = clientOf(config, ctx.root);
    const { dimensions = [], metrics = [] } = await client.metadata(ctx);
    const column = (name: string, sourceType: string, type: ColumnType) => ({ name, sourceType, type, nullable: false });
    return [
      {
        name: client.property,
        kind: 'other',
        columns: [
          ...dimensions.map(({ apiName }) => column(apiName ?? '', 'dimension', dimensionType(apiName ?? ''))),
          ...metrics.map(({ apiName, type }) => column(apiName ?? '', `metric ${type ?? ''}`, metricType(type))),
        ],
        primaryKey: [],
      },
    ];
  },
});

/** The types and the zone come from an answer of the report itself: yesterday's, one row of it. */
async function probeReport(
  client: AnalyticsClient,
  config: GoogleAnalyticsConfig,
  shape: ReportShape,
  place: ConfigPlace,
  ctx: PluginContext,
): Promise<{ probe: RunReportResponse; zone: string; clock: PropertyClock }> {
  const body = { ...reportRequest(config, shape), dateRanges: [{ startDate: 'yesterday', endDate: 'yesterday' }], limit: '1' };
  let probe: RunReportResponse;
  try {
    probe = await client.runReport(body, 'trying the report', ctx);
  } catch (error) {
    // The server's sentence rarely says which of them; this question does.
    if ((error as { code?: string }).code === 'GOOGLE_REQUEST') await refuseIncompatible(client, config, shape, place, ctx);
    throw error;
  }
  const zone = probe.metadata?.timeZone ?? '';
  return { probe, zone, clock: needClock(zone) };
}

async function refuseIncompatible(
  client: AnalyticsClient,
  config: GoogleAnalyticsConfig,
  shape: ReportShape,
  place: ConfigPlace,
  ctx: PluginContext,
): Promise<void> {
  const fields = incompatibleFields(shape, await client.incompatible(reportRequest(config, shape), ctx));
  if (fields.length > 0) throw incompatibleProblem(fields, shape, place);
}

function needClock(zone: string): PropertyClock {
  const clock = zone === '' ? undefined : openClock(zone);
  if (clock) return clock;
  throw new RemoteError({
    code: 'GA_TIME_ZONE',
    message: `Google Analytics: expected the property's time zone, found ${zone === '' ? 'none in the answer' : JSON.stringify(zone)}`,
    hint: 'set a time zone in Admin → Property details; a very new zone needs a newer Node.js',
    retryable: false,
  });
}

/** The plan's columns with where their values come from; types and names are the plan's. */
function plannedColumns(plan: InputPlan, config: GoogleAnalyticsConfig, shape: ReportShape): ReturnType<typeof reportColumns> {
  const columns = reportColumns(config, shape, new Map(), { at: (path) => ({ path }) });
  return columns.map((column, i) => ({ ...column, ...plan.columns[i] }));
}

function shapeNotes(
  config: GoogleAnalyticsConfig,
  shape: ReportShape,
  periods: Parameters<typeof countDays>[0],
  probe: RunReportResponse,
  tasks: number,
): string[] {
  const notes: string[] = [];
  if (shape.timeColumn !== undefined) notes.push(`column ${shape.timeColumn} is the start of ${shape.time ?? ''}, as an instant`);
  if (shape.time === undefined) notes.push('no date dimension: each period is one report over all its days, and metrics such as users do not add up');
  else if (config.incremental !== true) notes.push(`every run reads all days of the period, now ${countDays(periods)} (incremental: false)`);
  const perDay = probe.rowCount ?? 0;
  if (shape.time !== undefined && tasks > MANY_TASKS && perDay <= SMALL_DAY) {
    notes.push(`${tasks} requests, one for each ${config.days_per_request ?? 1} days of about ${perDay} rows: days_per_request: 30 would need fewer`);
  }
  notes.push(...accuracyFacts(probe).map((fact) => `yesterday's report: ${fact}`));
  const quotas = quotaFacts(probe);
  if (quotas.length > 0) notes.push(`quota: ${quotas.join('; ')}`);
  return notes;
}
