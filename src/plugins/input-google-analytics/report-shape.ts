import type { analyticsdata_v1beta } from 'googleapis/build/src/apis/analyticsdata/v1beta.js';
import { parseColumnType, type ColumnType, type ConfigPlace, type SourceColumn } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import type { DimensionConfig, GoogleAnalyticsConfig, MetricConfig } from './config.js';

/** Dimensions that date a row, the finest first, with the digits of their values. */
const TIME_DIMENSIONS = { dateHourMinute: 12, dateHour: 10, date: 8 } as const;
export type TimeDimension = keyof typeof TIME_DIMENSIONS;

/** The report that a config asks for, without its days. */
export interface ReportShape {
  readonly dimensions: readonly DimensionConfig[];
  readonly metrics: readonly MetricConfig[];
  /** Metrics that give a column. */
  readonly visible: readonly MetricConfig[];
  /** The finest dimension that dates a row. */
  readonly time: TimeDimension | undefined;
  /** The report has the column of its date range. */
  readonly ranged: boolean;
  /** Name of the timestamp column. */
  readonly timeColumn: string | undefined;
}

/** `dateRange` is what the API calls its own column of several ranges. */
export const RANGE_DIMENSION = 'dateRange';

export function readShape(config: GoogleAnalyticsConfig): ReportShape {
  const dimensions = (config.dimensions ?? []).map((d) => (typeof d === 'string' ? { name: d } : d));
  const metrics = (config.metrics ?? []).map((m) => (typeof m === 'string' ? { name: m } : m));
  const plain = new Set(dimensions.filter((d) => d.dimensionExpression === undefined).map((d) => d.name));
  const time = (Object.keys(TIME_DIMENSIONS) as TimeDimension[]).find((name) => plain.has(name));
  const ranges = config.date_ranges ?? [];
  return {
    dimensions,
    metrics,
    visible: metrics.filter((m) => m.invisible !== true),
    time,
    ranged: ranges.length > 1 || ranges.some((range) => range.name !== undefined),
    timeColumn: time === undefined ? undefined : (config.time_column ?? undefined),
  };
}

export function timeDigits(name: string): number | undefined {
  return Object.hasOwn(TIME_DIMENSIONS, name) ? TIME_DIMENSIONS[name as TimeDimension] : undefined;
}

/** A column of the report and where its values come from. */
export interface ReportColumn extends SourceColumn {
  readonly from: 'dimension' | 'metric' | 'range' | 'time';
  /** Place among the dimensions or visible metrics. */
  readonly index: number;
}

/** Columns in order: the time column, dimensions, date range, metrics. `metricTypes` is by metric name. */
export function reportColumns(
  config: GoogleAnalyticsConfig,
  shape: ReportShape,
  metricTypes: ReadonlyMap<string, string>,
  place: ConfigPlace,
): ReportColumn[] {
  const types = readTypes(config, shape, place);
  const columnOf = (name: string, usual: ColumnType): SourceColumn => ({
    name: config.column_names === 'api' ? name : snakeCase(name),
    type: types.get(name) ?? usual,
    text: {},
  });
  const columns: ReportColumn[] = [
    ...(shape.timeColumn === undefined ? [] : [{ name: shape.timeColumn, type: 'timestamp', text: {}, from: 'time', index: 0 } as const]),
    ...shape.dimensions.map((d, index) => ({
      ...columnOf(d.name, d.dimensionExpression === undefined ? dimensionType(d.name) : 'string'),
      from: 'dimension' as const,
      index,
    })),
    ...(shape.ranged ? [{ ...columnOf(RANGE_DIMENSION, 'string'), from: 'range' as const, index: 0 }] : []),
    ...shape.visible.map((m, index) => ({ ...columnOf(m.name, metricType(metricTypes.get(m.name))), from: 'metric' as const, index })),
  ];
  refuseSameNames(columns, config, place);
  return columns;
}

/** Local dates and hours have no zone of their own; everything else that a dimension says is text (`(not set)`, leading zeros). */
export function dimensionType(name: string): ColumnType {
  const digits = timeDigits(name);
  return digits === undefined ? 'string' : digits === 8 ? 'date' : 'datetime';
}

/**
 * Counts are whole; every other kind (seconds, currency, meters …) is computed and printed as a binary floating-point number,
 * so that a decimal column would reject its last digits.
 */
export function metricType(apiType: string | null | undefined): ColumnType {
  return apiType === 'TYPE_INTEGER' ? 'long' : 'double';
}

/** `customEvent:level_name` → `custom_event_level_name`, `active7DayUsers` → `active7_day_users`. */
export function snakeCase(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toLowerCase();
}

function readTypes(config: GoogleAnalyticsConfig, shape: ReportShape, place: ConfigPlace): Map<string, ColumnType> {
  const types = new Map<string, ColumnType>();
  const known = new Set([...shape.dimensions, ...shape.visible].map(({ name }) => name));
  for (const [name, text] of Object.entries(config.types ?? {})) {
    const type = parseColumnType(text);
    if (!type) {
      throw configProblem(place, `types.${name}`, {
        code: 'UNKNOWN_COLUMN_TYPE',
        message: `expected a column type, found ${JSON.stringify(text)}`,
        hint: 'for example long, double, decimal(18,6), string, date, datetime',
      });
    }
    if (!known.has(name)) {
      throw configProblem(place, `types.${name}`, {
        code: 'GA_TYPES',
        message: `expected the API name of a dimension or metric of this report, found ${JSON.stringify(name)}`,
        hint: `the report has ${[...known].join(', ')}`,
      });
    }
    types.set(name, type);
  }
  return types;
}

function refuseSameNames(columns: readonly SourceColumn[], config: GoogleAnalyticsConfig, place: ConfigPlace): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    const key = name.toLowerCase();
    if (!seen.has(key)) {
      seen.add(key);
      continue;
    }
    const isTime = config.time_column?.toLowerCase() === key;
    throw configProblem(place, isTime ? 'time_column' : 'column_names', {
      code: 'GA_COLUMN_NAMES',
      message: `two columns of this report would be named ${JSON.stringify(name)}`,
      hint: isTime ? 'give time_column another name' : 'a dimension or metric stands here twice; or set column_names: api, where the names differ',
    });
  }
}

export type RunReportRequest = analyticsdata_v1beta.Schema$RunReportRequest;

/**
 * The request's constant part. All dimensions take part in the order, because only a complete order makes pages that were
 * asked for one by one fit together.
 */
export function reportRequest(config: GoogleAnalyticsConfig, shape: ReportShape): RunReportRequest {
  const given = (config.order_bys ?? []) as readonly { readonly dimension?: { readonly dimensionName?: string } }[];
  const ordered = new Set(given.map((order) => order.dimension?.dimensionName));
  const rest = shape.dimensions.filter(({ name }) => !ordered.has(name)).map(({ name }) => ({ dimension: { dimensionName: name } }));
  const orderBys = [...given, ...rest];
  return {
    dimensions: [...shape.dimensions],
    metrics: [...shape.metrics],
    ...(config.dimension_filter === undefined ? {} : { dimensionFilter: config.dimension_filter }),
    ...(config.metric_filter === undefined ? {} : { metricFilter: config.metric_filter }),
    ...(orderBys.length === 0 ? {} : { orderBys }),
    ...(config.keep_empty_rows === true ? { keepEmptyRows: true } : {}),
    ...(config.currency_code === undefined ? {} : { currencyCode: config.currency_code }),
    returnPropertyQuota: true,
  };
}
