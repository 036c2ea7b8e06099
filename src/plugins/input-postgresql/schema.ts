import type { ConfigSchema } from '../../core/spi/index.js';
import { connectionProperties, incrementalProperties, limitProperties, selectionProperties } from '../shared/sql/connection-schema.js';

const columnOption = {
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { type: 'string', 'x-column-type': true, description: 'Column type to read the value as, by the strict conversions of text.' },
    format: { type: 'string', description: 'Pattern of the text of a date, timestamp or datetime; `hex` or `base64` for binary.' },
    timezone: { type: 'string', description: 'Zone of a value without one that is read as a timestamp.' },
    timestamp_format: {
      type: 'string',
      minLength: 1,
      'x-advanced': true,
      description: 'With `type: string`: how the server writes a date or timestamp, e.g. `%Y/%m/%d %H:%M:%S`, in `timezone`.',
    },
    value_type: {
      type: 'string',
      'x-advanced': true,
      description:
        'How Embulk fetches the value: `long`, `double`, `float`, `decimal`, `boolean`, `string`, `json`, `date`, `time`, `timestamp`, `array`. Taken as `type` where that is absent.',
    },
  },
} as const;

export const postgresqlInputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'postgresql', description: 'Tables and queries of a PostgreSQL server.' },
    ...connectionProperties,
    schema: {
      type: 'string',
      minLength: 1,
      'x-connection': true,
      description: 'Schema of tables that are named without one. Absent: the search path of the session; for `tables`: `public`.',
    },
    ...selectionProperties,
    ...incrementalProperties,
    use_raw_query_with_incremental: {
      type: 'boolean',
      default: false,
      'x-advanced': true,
      description:
        'The query holds `:column` placeholders for the last values of `incremental_columns`, as in Embulk; the first run takes them from `last_record`.',
    },
    column_options: {
      type: 'object',
      additionalProperties: columnOption,
      description: 'Other types for single columns, by name, e.g. `{amount: {type: "decimal(18,4)"}}`.',
    },
    default_column_options: {
      type: 'object',
      additionalProperties: columnOption,
      'x-advanced': true,
      description: 'The same by the type at the source, e.g. `{numeric: {type: "decimal(38,10)"}}`; also in JDBC’s words (`NUMERIC`, `BIGINT`).',
    },
    default_timezone: { type: 'string', default: 'UTC', description: 'Zone of values without one that `column_options` reads as timestamps.' },
    ...limitProperties,
    parallel_ranges: {
      type: 'integer',
      minimum: 1,
      maximum: 64,
      default: 1,
      description:
        'Read a table as this many ranges of its blocks at a time, over connections that share one snapshot (PostgreSQL 14 or later; tables only). At most `max_connections`.',
    },
    statement_timeout_millis: { type: 'integer', minimum: 1, description: 'Longest time of one statement, kept by the server.' },
    application_name: {
      type: 'string',
      default: 'sluice',
      'x-connection': true,
      'x-advanced': true,
      description: 'Name that the server shows for the session.',
    },
    before_setup: {
      type: 'string',
      minLength: 1,
      'x-advanced': true,
      description: 'SQL to run before the columns are looked up, in a session of its own.',
    },
    before_select: { type: 'string', minLength: 1, 'x-advanced': true, description: 'SQL to run before the reading transaction, in its session.' },
    after_select: { type: 'string', minLength: 1, 'x-advanced': true, description: 'SQL to run after the reading transaction, in its session.' },
    fetch_rows: { type: 'integer', 'x-advanced': true, description: 'Has no effect: rows are streamed. Accepted for configs of Embulk.' },
    driver_path: { type: 'string', 'x-advanced': true, description: 'Has no effect. Accepted for configs of Embulk.' },
  },
} as const satisfies ConfigSchema;
