import {
  defineFilter,
  quoteIdentifier,
  quoteLiteral,
  type FilterCast,
  type FilterColumn,
  type FilterPlanContext,
  type Schema,
  type TextFormat,
} from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { assertDistinctNames, passColumn, requireColumn } from '../shared/filter-columns.js';
import { addTimeSchema, type AddTimeConfig } from './schema.js';

type Unit = 'sec' | 'milli' | 'micro' | 'nano';
type Source = { readonly unix_timestamp_unit?: Unit; readonly timestamp_format?: string; readonly timezone?: string };

export default defineFilter<AddTimeConfig>({
  kind: 'filter',
  type: 'add_time',
  summary: 'Adds a time column: from another column, a fixed time, or the start of the run.',
  stability: 'stable',
  schema: addTimeSchema,
  examples: [
    { title: 'The start of the run', config: { type: 'add_time', to_column: { name: 'loaded_at' }, from_value: { mode: 'upload_time' } } },
    {
      title: 'From a Unix time in milliseconds',
      config: { type: 'add_time', to_column: { name: 'time', type: 'timestamp' }, from_column: { name: 'created_ms', unix_timestamp_unit: 'milli' } },
    },
  ],

  async plan(config, input, ctx) {
    if (config.from_column !== undefined && config.from_value !== undefined) {
      throw configProblem(ctx.place, '', {
        code: 'FILTER_OPTIONS',
        message: 'expected one of from_column and from_value, got both',
        hint: 'leave one out; without either the start of the run is taken',
      });
    }
    const name = config.to_column?.name ?? 'time';
    assertDistinctNames([...input.map((c) => c.name), name], ctx.place.at('to_column.name'));
    const time = config.from_column === undefined ? fromValue(config.from_value, ctx) : fromColumn(config.from_column, input, ctx);
    return { form: 'rows', columns: [...input.map(passColumn), toColumn(name, config, time)] };
  },
});

/** A long is the time's Unix time, whole units, rounded down. */
function toColumn(name: string, config: AddTimeConfig, time: FilterCast): FilterColumn {
  if (config.to_column?.type !== 'long') return { name, type: 'timestamp', cast: time };
  return { name, type: 'long', cast: { from: time, to: 'long', text: { format: config.to_column.unix_timestamp_unit === 'milli' ? '%Q' : '%s' } } };
}

function fromColumn(source: Source & { readonly name: string }, input: Schema, ctx: FilterPlanContext): FilterCast {
  const { name, type } = requireColumn(input, source.name, ctx.place, 'from_column.name');
  if (type === 'long') return fromUnixTime(quoteIdentifier(name), source.unix_timestamp_unit ?? 'sec');
  if (type === 'string' || type === 'timestamp' || type === 'datetime' || type === 'date')
    return { from: name, to: 'timestamp', text: textOf(source, type === 'string') };
  throw configProblem(ctx.place, 'from_column.name', {
    code: 'FILTER_OPTIONS',
    message: `expected a column that holds a time, got "${name}" of type ${type}`,
    hint: 'use a timestamp, datetime, date, long or string column',
  });
}

function textOf(source: Source, withFormat: boolean): TextFormat {
  return {
    ...(withFormat && source.timestamp_format !== undefined ? { format: source.timestamp_format } : {}),
    ...(source.timezone === undefined ? {} : { timezone: source.timezone }),
  };
}

/** Seconds and milliseconds by the engine; finer units become milliseconds' sub-units in SQL, nanoseconds cut to microseconds. */
function fromUnixTime(sql: string, unit: Unit): FilterCast {
  if (unit === 'sec' || unit === 'milli') return { from: { sql, type: 'long' }, to: 'timestamp', text: { format: unit === 'sec' ? '%s' : '%Q' } };
  const micros = unit === 'micro' ? sql : `cast(floor(${sql}::decimal(38,3) / 1000) as bigint)`;
  const inRange = `${micros} between -62135596800000000 and 253402300799999999`;
  // As text, so that a value out of range is rejected like one that does not convert.
  return { from: { sql: `case when ${inRange} then make_timestamp(${micros})::varchar else ${sql}::varchar end`, type: 'string' }, to: 'timestamp' };
}

function fromValue(given: AddTimeConfig['from_value'], ctx: FilterPlanContext): FilterCast {
  const value: Partial<NonNullable<AddTimeConfig['from_value']>> = given ?? {};
  const fixed = value.mode === 'fixed_time';
  if (fixed !== (value.value !== undefined)) {
    throw configProblem(ctx.place, 'from_value', {
      code: 'FILTER_OPTIONS',
      message: fixed ? 'from_value.value is missing for mode fixed_time' : 'from_value.value is only for mode fixed_time',
      hint: 'write {mode: fixed_time, value: "2024-01-31T00:00:00Z"}',
    });
  }
  if (!fixed) return { from: { sql: `make_timestamptz(${BigInt(ctx.startedAt) * 1000n})`, type: 'timestamp' }, to: 'timestamp' };
  if (typeof value.value === 'number') return fromUnixTime(`${BigInt(value.value)}::bigint`, value.unix_timestamp_unit ?? 'sec');
  return { from: { sql: `${quoteLiteral(value.value ?? '')}::varchar`, type: 'string' }, to: 'timestamp', text: textOf(value, true) };
}
