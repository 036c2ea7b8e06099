import type { ConfigSchema } from '../../core/spi/index.js';
import { columnOptionSchema } from '../shared/sql/column-options.js';
import { connectionProperties, incrementalProperties, limitProperties, selectionProperties } from '../shared/sql/connection-schema.js';

export const mysqlInputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'mysql', description: 'Tables and queries of a MySQL or MariaDB server.' },
    ...connectionProperties,
    server_public_key: {
      type: 'string',
      minLength: 1,
      'x-connection': true,
      'x-advanced': true,
      description: 'PEM file of the server’s RSA key, for logins with `caching_sha2_password` without TLS; absent: the server is asked for it.',
    },
    compress: {
      type: 'boolean',
      default: false,
      'x-connection': true,
      'x-advanced': true,
      description: 'Compress the connection. Pays on links below some 200 Mbit/s only: the server is slow at it.',
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
      additionalProperties: columnOptionSchema,
      description: 'Other types for single columns, by name, e.g. `{active: {type: boolean}}`.',
    },
    default_column_options: {
      type: 'object',
      additionalProperties: columnOptionSchema,
      'x-advanced': true,
      description: 'The same by the type at the source, in its own or JDBC’s words, e.g. `{DECIMAL: {type: double}}`.',
    },
    default_timezone: { type: 'string', default: 'UTC', description: 'Zone of DATETIME values that `column_options` reads as timestamps.' },
    zero_dates: {
      enum: ['reject', 'null'],
      default: 'reject',
      description: 'Dates with a part that is nought (`0000-00-00`, `2024-00-15`): reject the row, or read NULL and say how many there were.',
    },
    ...limitProperties,
    parallel_ranges: {
      type: 'integer',
      minimum: 1,
      maximum: 64,
      default: 1,
      description:
        'Read an InnoDB table over this many connections at a time, by ranges of its integer primary key, on one snapshot. Needs the right LOCK TABLES or RELOAD; ' +
        'without it one connection reads. Together with the one that locks they stay below `max_connections`.',
    },
    before_setup: {
      type: 'string',
      minLength: 1,
      'x-advanced': true,
      description: 'Statement to run before the columns are looked up, in that session.',
    },
    before_select: { type: 'string', minLength: 1, 'x-advanced': true, description: 'Statement to run before the SELECT, in its session.' },
    after_select: {
      type: 'string',
      minLength: 1,
      'x-advanced': true,
      description: 'Statement to run after the SELECT, in its session, before the rows are committed.',
    },
    fetch_rows: { type: 'integer', 'x-advanced': true, description: 'Has no effect: rows are streamed. Accepted for configs of Embulk.' },
    use_legacy_datetime_code: { type: 'boolean', 'x-advanced': true, description: 'Has no effect. Accepted for configs of Embulk.' },
    driver_path: { type: 'string', 'x-advanced': true, description: 'Has no effect. Accepted for configs of Embulk.' },
  },
} as const satisfies ConfigSchema;
