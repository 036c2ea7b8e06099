import type { JsonObject, JsonValue } from '../../core/spi/index.js';
import type { GoogleAuthConfig } from '../shared/google/auth-schema.js';

export interface DimensionConfig {
  readonly name: string;
  /** `DimensionExpression` of the API. */
  readonly dimensionExpression?: JsonObject;
}

export interface MetricConfig {
  readonly name: string;
  readonly expression?: string;
  readonly invisible?: boolean;
}

export interface DateRangeConfig {
  readonly start_date: string;
  readonly end_date?: string;
  readonly name?: string;
}

export interface GoogleAnalyticsConfig extends GoogleAuthConfig {
  readonly type: 'google_analytics';
  readonly property: string | number;
  readonly dimensions?: readonly (string | DimensionConfig)[];
  readonly metrics?: readonly (string | MetricConfig)[];
  readonly start_date?: string;
  readonly end_date?: string;
  readonly date_ranges?: readonly DateRangeConfig[];
  readonly dimension_filter?: JsonObject;
  readonly metric_filter?: JsonObject;
  readonly order_bys?: readonly JsonObject[];
  readonly row_limit?: number;
  readonly keep_empty_rows?: boolean;
  readonly currency_code?: string;
  readonly incremental?: boolean;
  readonly reread_days?: number;
  readonly time_column?: string | null;
  readonly column_names?: 'snake_case' | 'api';
  readonly types?: { readonly [apiName: string]: string };
  readonly days_per_request?: number;
  readonly page_size?: number;
  readonly retry?: { readonly limit?: number; readonly initial_wait_secs?: number; readonly max_wait_secs?: number };
  readonly timeout_secs?: number;
  readonly endpoint?: string;
}

/** What one task reads; everything it needs that is not in the config. */
export interface ReportTask {
  readonly start: string;
  /** Inclusive. */
  readonly end: string;
  /** The property's zone when the run was planned. */
  readonly zone: string;
  /** Value of the column `dateRange`, where the report has it. */
  readonly range?: string;
}

export function readTask(task: JsonObject): ReportTask {
  const text = (key: string): string => String(task[key] as JsonValue);
  const range = task['range'];
  return { start: text('start'), end: text('end'), zone: text('zone'), ...(typeof range === 'string' ? { range } : {}) };
}

/** `properties/123`, however the config spells it. */
export function propertyName(config: GoogleAnalyticsConfig): string {
  return `properties/${String(config.property).replace(/^properties\//, '')}`;
}
