import type { ConfigSchema } from '../../core/spi/index.js';
import { googleAuthProperties } from '../shared/google/auth-schema.js';

const DATE = '^([0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9]{2}:?[0-9]{2})?)?|today|yesterday|[0-9]{1,4}daysAgo)$';
const DATE_EXPECTED = 'a day such as 2024-05-03, today, yesterday or 7daysAgo';

export const googleAnalyticsInputSchema = {
  type: 'object',
  additionalProperties: false,
  // `metrics` is asked for when a run is planned: a seed for guess has none yet.
  required: ['type', 'property'],
  properties: {
    type: { const: 'google_analytics', description: 'A report of a Google Analytics 4 property, by the Data API.' },
    property: {
      type: ['string', 'integer'],
      'x-connection': true,
      pattern: '^(properties/)?[1-9][0-9]*$',
      'x-expected': 'the number of a property, e.g. 123456789 (not a G-… measurement id)',
      description: 'Number of the property (Admin → Property details).',
    },
    ...googleAuthProperties,
    dimensions: {
      type: 'array',
      maxItems: 9,
      description:
        'Dimensions by API name, e.g. `date`, `country`, `customEvent:level`; or `name` with a `dimensionExpression` of the API. At most 9, as the API allows.',
      items: {
        anyOf: [
          { type: 'string', minLength: 1 },
          {
            type: 'object',
            additionalProperties: false,
            required: ['name'],
            properties: {
              name: { type: 'string', minLength: 1, description: 'Name of the dimension.' },
              dimensionExpression: { type: 'object', description: 'lowerCase, upperCase or concatenate, as in the API.' },
            },
          },
        ],
      },
    },
    metrics: {
      type: 'array',
      minItems: 1,
      maxItems: 10,
      description:
        'Metrics by API name, e.g. `activeUsers`; or `name` with an `expression` such as `eventCount/activeUsers`. At most 10, as the API allows.',
      items: {
        anyOf: [
          { type: 'string', minLength: 1 },
          {
            type: 'object',
            additionalProperties: false,
            required: ['name'],
            properties: {
              name: { type: 'string', minLength: 1, description: 'Name of the metric; with an expression, a name of your own.' },
              expression: { type: 'string', minLength: 1, description: 'Arithmetic over metrics.' },
              invisible: { type: 'boolean', description: 'Only used by expressions, filters and order: gives no column.' },
            },
          },
        ],
      },
    },
    start_date: {
      type: 'string',
      pattern: DATE,
      'x-expected': DATE_EXPECTED,
      description:
        "First day to read, in the property's time zone: `2024-05-03`, `today`, `yesterday`, `7daysAgo`, or an instant such as `2024-05-03T00:00:00Z`.",
    },
    end_date: {
      type: 'string',
      pattern: DATE,
      'x-expected': DATE_EXPECTED,
      description: 'Last day to read, itself included; `yesterday` when left out.',
    },
    date_ranges: {
      type: 'array',
      minItems: 1,
      description: 'Several periods in place of start_date and end_date. More than one, or a name, adds the column `date_range`.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['start_date'],
        properties: {
          start_date: { type: 'string', pattern: DATE, 'x-expected': DATE_EXPECTED, description: 'First day.' },
          end_date: { type: 'string', pattern: DATE, 'x-expected': DATE_EXPECTED, description: 'Last day; `yesterday` when left out.' },
          name: { type: 'string', minLength: 1, description: 'Value of the column `date_range`; `date_range_0` and so on when left out.' },
        },
      },
    },
    dimension_filter: { type: 'object', description: 'FilterExpression of the API over dimensions.' },
    metric_filter: { type: 'object', description: "FilterExpression of the API over the report's metrics." },
    order_bys: {
      type: 'array',
      items: { type: 'object' },
      description:
        'OrderBy list of the API. Only with row_limit does it change what is loaded; dimensions that it leaves out follow, so that pages fit together.',
    },
    row_limit: {
      type: 'integer',
      minimum: 1,
      description: 'Only the first rows of each day (without a date dimension: of each period), in the order of order_bys.',
    },
    keep_empty_rows: { type: 'boolean', default: false, description: 'Also rows whose metrics are all 0.' },
    currency_code: {
      type: 'string',
      pattern: '^[A-Z]{3}$',
      'x-expected': 'an ISO 4217 code such as JPY',
      description: "Currency of the amounts; the property's own when left out.",
    },
    incremental: {
      type: 'boolean',
      default: false,
      description: 'Read only days after the last one loaded. Needs one of the dimensions date, dateHour and dateHourMinute.',
    },
    reread_days: {
      type: 'integer',
      minimum: 0,
      maximum: 366,
      default: 0,
      description:
        'With incremental: how many of the days already loaded are read again, because data arrives up to three days late. Needs `mode: merge`, which puts them in the place of the old ones.',
    },
    time_column: {
      anyOf: [{ type: 'string', minLength: 1 }, { type: 'null' }],
      default: 'time',
      description:
        "Name of a timestamp column with the start of dateHourMinute, dateHour or date (the finest that the report has) in the property's time zone; null for none.",
    },
    column_names: {
      enum: ['snake_case', 'api'],
      default: 'snake_case',
      description: 'How columns are named: `active_users`, or as in the API `activeUsers`.',
    },
    types: {
      type: 'object',
      additionalProperties: { type: 'string', 'x-column-type': true },
      description: 'Column types by API name that differ from the usual ones, e.g. `hour: long` or `purchaseRevenue: decimal(18,6)`.',
    },
    days_per_request: {
      type: 'integer',
      minimum: 1,
      maximum: 366,
      default: 1,
      description:
        'Days that one task reads when the report has a date dimension. More are faster for small reports, but sampled and cut sooner by Google.',
    },
    page_size: { type: 'integer', minimum: 1, maximum: 250000, default: 50000, 'x-advanced': true, description: 'Rows of one request.' },
    retry: {
      type: 'object',
      additionalProperties: false,
      default: {},
      'x-advanced': true,
      description: 'Repeats after quota, server and network errors.',
      properties: {
        limit: {
          type: 'integer',
          minimum: 0,
          maximum: 20,
          default: 5,
          description: 'Repeats in a row, of all tasks together; Google blocks a property after 10 server errors in an hour.',
        },
        initial_wait_secs: {
          type: 'number',
          minimum: 0,
          default: 2,
          description: 'First wait; it doubles. A Retry-After of the server goes before.',
        },
        max_wait_secs: { type: 'number', minimum: 0, default: 120, description: 'Longest wait; a server that asks for more ends the run.' },
      },
    },
    timeout_secs: { type: 'integer', minimum: 1, maximum: 3600, default: 180, 'x-advanced': true, description: 'Time limit of one request.' },
    endpoint: {
      type: 'string',
      default: 'https://analyticsdata.googleapis.com/',
      'x-connection': true,
      'x-advanced': true,
      description: 'Address of the API: https, or http on this machine for tests.',
    },
  },
} as const satisfies ConfigSchema;
