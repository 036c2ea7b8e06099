import type { ConfigSchema } from '../spi/index.js';

/** Names of schedules; they stand in URLs, jobs and metrics. */
export const SCHEDULE_NAME = '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$';

const SECTION = { type: 'object' } as const;

/** Seconds, or a text such as `90m`. */
const duration = (description: string) =>
  ({
    type: ['string', 'number'],
    pattern: '^\\s*[0-9]{1,9}(?:\\.[0-9]{1,3})?\\s*[smhd]\\s*$',
    exclusiveMinimum: 0,
    maximum: 31_536_000,
    'x-expected': 'a time such as 90s, 45m, 2h or 1d, or a number of seconds',
    description,
  }) as const;

/** One schedule: when, and one of `pipeline`, `in`, `sql` or `sql_file`. */
export const SCHEDULE_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['cron'],
  properties: {
    cron: {
      type: 'string',
      minLength: 1,
      description: 'When: five fields (minute hour day month weekday), six (second first), or @hourly, @daily, @weekly, @monthly, @yearly.',
    },
    timezone: { type: 'string', minLength: 1, default: 'UTC', description: 'IANA time zone whose clock `cron` reads, such as Asia/Tokyo.' },
    delay_secs: {
      type: 'integer',
      minimum: 0,
      maximum: 31_536_000,
      default: 0,
      description: 'Start so many seconds after the nominal time, which stays what it is: for data that arrives late.',
    },
    catch_up: {
      enum: ['all', 'latest', 'none'],
      default: 'latest',
      description: 'Times that were missed while nothing ran: run `all` of them one by one, only the `latest`, or `none`.',
    },
    overlap: {
      enum: ['skip', 'queue', 'allow', 'cancel_previous'],
      default: 'skip',
      description:
        'When an earlier job of the schedule has not ended: `skip` this time, `queue` it behind, `allow` both at once, or `cancel_previous`: kill the earlier one and then start.',
    },
    timeout_secs: {
      type: 'integer',
      minimum: 1,
      maximum: 31_536_000,
      description: 'End a try that takes longer; that is an error. Default: no limit.',
    },
    retries: {
      anyOf: [
        { type: 'integer', minimum: 0, maximum: 32 },
        {
          type: 'object',
          additionalProperties: false,
          required: ['limit'],
          properties: {
            limit: { type: 'integer', minimum: 0, maximum: 32, description: 'Tries after the first one.' },
            initial_wait_secs: {
              type: 'number',
              minimum: 0,
              maximum: 86_400,
              description: 'Wait before the first of them; it doubles each time. Default: 30.',
            },
            max_wait_secs: { type: 'number', minimum: 0, maximum: 86_400, description: 'Longest wait. Default: 3600.' },
          },
        },
      ],
      default: 0,
      'x-expected': 'a number of tries, or {limit, initial_wait_secs, max_wait_secs}',
      description: 'How often a job that failed is tried again: a number, or limit, initial_wait_secs and max_wait_secs.',
    },
    depends_on: {
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, uniqueItems: true },
      ],
      'x-expected': 'the name of a schedule, or a list of them',
      description: 'Schedules that must have succeeded for every one of their times since the nominal time before.',
    },
    enabled: { type: 'boolean', default: true, description: 'false: its times are recorded as skipped.' },
    priority: {
      type: 'integer',
      minimum: -2,
      maximum: 2,
      default: 0,
      description: 'Which jobs start first when there are more than can run: -2 to 2.',
    },
    tags: {
      type: 'array',
      items: { type: 'string', minLength: 1, maxLength: 100 },
      default: [],
      description: 'Words for lists, such as team:growth.',
    },
    sla: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: {
        finish_within: duration('Each nominal time must have succeeded so long after it, such as 2h.'),
        max_age: duration('The last success must never be older than this, such as 26h.'),
      },
      description: 'What is promised: who is told of failures is told, once, when it is missed, and when it is made good.',
    },
    notify: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      uniqueItems: true,
      default: [],
      description: 'Targets of serve.notify that are told of failures and recoveries; see docs/serve.md.',
    },
    pipeline: { type: 'string', minLength: 1, description: 'A pipeline file, from the project root.' },
    only: { type: 'string', minLength: 1, description: "One of the file's pipelines, by its name. Default: all of them." },
    in: { ...SECTION, description: 'The input of a pipeline that stands here instead of in a file.' },
    filters: { type: 'array', items: SECTION, description: 'Its filters, in order.' },
    out: {
      anyOf: [SECTION, { type: 'array', minItems: 1, items: SECTION }, { type: 'string', minLength: 1 }],
      'x-expected': 'a mapping, a list of them, or a result URL such as NAME:table?mode=merge&keys=id',
      description: 'Where rows go: the output of `in`, or the target of the result of `sql`. Databases by a named connection only.',
    },
    unmatched: { enum: ['reject', 'drop'], description: 'With a list of outputs: what happens to rows that none of them takes.' },
    exec: { ...SECTION, description: 'Limits and pace of the run.' },
    checks: { type: 'array', items: SECTION, description: 'Checks before the commit; see docs/checks.md.' },
    sql: { type: 'string', minLength: 1, description: 'One SQL statement. TD_SCHEDULED_TIME() and {{ scheduled_time }} give the nominal time.' },
    sql_file: { type: 'string', minLength: 1, description: 'A file with the statement, from the project root.' },
    params: { ...SECTION, description: 'Values of `$name` in the statement.' },
    into: {
      anyOf: [{ type: 'string', minLength: 1 }, SECTION],
      'x-expected': 'a table, or {table, mode, keys, replace_where, ...}',
      description: 'The table of the warehouse that takes the result: its name, or a mapping with the keys of the warehouse output.',
    },
    mode: { type: 'string', minLength: 1, description: 'How `into: namespace.table` is written: append, replace, truncate or merge.' },
  },
} as const satisfies ConfigSchema;

/** A file `schedules/*.yml` with several schedules; one with a single schedule has the keys of {@link SCHEDULE_SCHEMA} and is named after the file. */
export const SCHEDULES_FILE_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['schedules'],
  properties: {
    schedules: {
      type: 'object',
      propertyNames: { pattern: SCHEDULE_NAME },
      additionalProperties: SCHEDULE_SCHEMA,
      description: 'Schedules by name.',
    },
  },
} as const satisfies ConfigSchema;
