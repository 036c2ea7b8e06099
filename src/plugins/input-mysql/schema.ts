import type { ConfigSchema } from '../../core/spi/index.js';
import { mysqlConnectionProperties } from '../shared/mysql/connection-schema.js';
import { columnOptionProperties } from '../shared/sql/column-options.js';
import { incrementalProperties, limitProperties, selectionProperties } from '../shared/sql/connection-schema.js';

export const mysqlInputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'mysql', description: 'Tables and queries of a MySQL or MariaDB server.' },
    ...mysqlConnectionProperties,
    ...selectionProperties,
    ...incrementalProperties,
    ...columnOptionProperties,
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
    before_select: {
      type: 'string',
      minLength: 1,
      'x-advanced': true,
      description: 'Statement to run once before the SELECT, in its session; with parallel_ranges in that of the first range.',
    },
    after_select: {
      type: 'string',
      minLength: 1,
      'x-advanced': true,
      description: 'Statement to run once after the SELECT, in the same session, before the rows are committed.',
    },
    fetch_rows: { type: 'integer', 'x-advanced': true, description: 'Has no effect: rows are streamed. Accepted for configs of Embulk.' },
    use_legacy_datetime_code: { type: 'boolean', 'x-advanced': true, description: 'Has no effect. Accepted for configs of Embulk.' },
    driver_path: { type: 'string', 'x-advanced': true, description: 'Has no effect. Accepted for configs of Embulk.' },
  },
} as const satisfies ConfigSchema;
