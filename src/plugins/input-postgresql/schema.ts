import type { ConfigSchema } from '../../core/spi/index.js';
import { columnOptionProperties } from '../shared/sql/column-options.js';
import { connectionProperties, incrementalProperties, limitProperties, selectionProperties } from '../shared/sql/connection-schema.js';

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
    ...columnOptionProperties,
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
    before_select: {
      type: 'string',
      minLength: 1,
      'x-advanced': true,
      description: 'SQL to run once before the reading transaction, in its session; with parallel_ranges in that of the first range.',
    },
    after_select: {
      type: 'string',
      minLength: 1,
      'x-advanced': true,
      description: 'SQL to run once after the reading transaction, in the same session.',
    },
    fetch_rows: { type: 'integer', 'x-advanced': true, description: 'Has no effect: rows are streamed. Accepted for configs of Embulk.' },
    driver_path: { type: 'string', 'x-advanced': true, description: 'Has no effect. Accepted for configs of Embulk.' },
  },
} as const satisfies ConfigSchema;
