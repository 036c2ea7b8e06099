import { ConfigError, Secret, type GuessNote, type GuessResult, type JsonObject, type JsonValue, type PluginContext } from '../../core/spi/index.js';
import { clientOf } from './analytics-client.js';
import type { GoogleAnalyticsConfig } from './config.js';
import { dimensionType, metricType, readShape, reportRequest, snakeCase } from './report-shape.js';
import { incompatibleFields, type Metadata } from './name-checks.js';

/** A report most properties can give and most people ask for first. */
const DIMENSIONS = ['date', 'sessionDefaultChannelGroup', 'country', 'deviceCategory'];
const METRICS = ['activeUsers', 'newUsers', 'sessions', 'engagedSessions', 'eventCount', 'totalRevenue'];

/** Completes a seed with `property` and credentials; names and types come from the property's own metadata. */
export async function guessReport(config: JsonObject, ctx: PluginContext): Promise<GuessResult> {
  if (config['property'] === undefined) {
    throw new ConfigError({
      code: 'GA_PROPERTY',
      message: 'in.property: expected the number of a property, found none',
      hint: 'write e.g. property: 123456789 (Admin → Property details)',
    });
  }
  const seed = config as unknown as GoogleAnalyticsConfig;
  const client = clientOf(seed, ctx.root);
  const metadata = await client.metadata(ctx);
  const known = (fields: Metadata['dimensions'] | Metadata['metrics'], names: readonly string[]): string[] => {
    const own = new Set((fields ?? []).map((field) => field.apiName));
    return names.filter((name) => own.has(name));
  };
  const dimensions = (config['dimensions'] as JsonValue[] | undefined) ?? known(metadata.dimensions, DIMENSIONS);
  const metrics = (config['metrics'] as JsonValue[] | undefined) ?? known(metadata.metrics, METRICS);
  const whole = { ...seed, dimensions, metrics } as GoogleAnalyticsConfig;
  const shape = readShape({ time_column: 'time', ...whole });
  const bad = new Set(incompatibleFields(shape, await client.incompatible(reportRequest(whole, shape), ctx)));
  const fits = (value: JsonValue): boolean => typeof value !== 'string' || !bad.has(value);
  const daily = shape.time !== undefined;
  const result: { [key: string]: JsonValue } = {
    dimensions: config['dimensions'] === undefined ? dimensions.filter(fits) : dimensions,
    metrics: config['metrics'] === undefined ? metrics.filter(fits) : metrics,
    ...(config['date_ranges'] === undefined ? { start_date: '30daysAgo', end_date: 'yesterday' } : {}),
    ...(daily ? { time_column: 'time', incremental: false } : {}),
  };
  return {
    in: result,
    notes: notesOf(result, metadata, shape.time),
    ...(shape.timeColumn === undefined ? {} : { timeColumn: shape.timeColumn }),
    warnings: warningsOf(bad, config),
  };
}

function notesOf(result: JsonObject, metadata: Metadata, time: string | undefined): GuessNote[] {
  const dimensions = new Map((metadata.dimensions ?? []).map((field) => [field.apiName, field]));
  const metrics = new Map((metadata.metrics ?? []).map((field) => [field.apiName, field]));
  const notes: GuessNote[] = [];
  const each = (key: 'dimensions' | 'metrics', text: (name: string) => string): void =>
    (result[key] as readonly JsonValue[]).forEach((value, i) => typeof value === 'string' && notes.push({ path: `${key}[${i}]`, text: text(value) }));
  each('dimensions', (name) => `${dimensions.get(name)?.uiName ?? name}: column ${snakeCase(name)}, ${dimensionType(name)}`);
  each('metrics', (name) => {
    const field = metrics.get(name);
    return `${field?.uiName ?? name}: column ${snakeCase(name)}, ${metricType(field?.type)} (${field?.type ?? 'unknown type'})`;
  });
  notes.push({ path: 'end_date', text: 'the last day that is over; data of the last three days may still change' });
  if (time !== undefined) {
    notes.push(
      { path: 'time_column', text: `start of ${time} in the property's time zone` },
      {
        path: 'incremental',
        text: `${time} tells the day of each row, so it can be the cursor: set true, with reread_days: 3 and out.mode: merge (keys: the dimensions) for late data`,
      },
    );
  }
  return notes;
}

function warningsOf(bad: ReadonlySet<string>, config: JsonObject): string[] {
  const credentials = Object.values(config).some((value) => (value as unknown) instanceof Secret) || config['json_keyfile'] !== undefined;
  return [
    ...(bad.size === 0 ? [] : [`these cannot stand in one report: ${[...bad].join(', ')}`]),
    ...(credentials ? [] : ['no credentials in the config: the application default credentials of this machine were used']),
  ];
}
