import type { JsonObject } from '../spi/index.js';
import { NOTIFY_SCHEMA, readNotify, type NotifyTarget } from './notify-targets.js';

/** The keys of `serve` in sluice.yml but `http`. */
export interface ServeJobsConfig {
  /** Jobs at a time in this process; each has a worker process. */
  readonly workers: number;
  /** Bytes a worker may hold between two jobs before another takes its place. */
  readonly workerMemoryBytes: number;
  /** Jobs at a time by connection, counted over all processes. */
  readonly connections: { readonly [name: string]: number };
  readonly drainSecs: number;
  readonly resultRetentionMs: number;
  readonly jobRetentionMs: number;
  /** Undefined: no upkeep by `serve`. */
  readonly maintain: { readonly cron: string; readonly timezone: string } | undefined;
  readonly notify: { readonly [name: string]: NotifyTarget };
}

const DAY_MS = 86_400_000;

export const SERVE_JOBS_PROPERTIES = {
  workers: {
    type: 'integer',
    minimum: 1,
    maximum: 64,
    default: 2,
    description: 'Jobs at a time in one process; each has a worker process of its own.',
  },
  worker_memory_mb: {
    type: 'integer',
    minimum: 64,
    default: 600,
    description: 'A worker that holds more than this after a job is replaced. What a job may take meanwhile is exec.memory_limit.',
  },
  connections: {
    type: 'object',
    default: {},
    propertyNames: { pattern: '^[A-Za-z0-9_-]{1,64}$' },
    additionalProperties: { type: 'integer', minimum: 1, maximum: 1000 },
    description: 'Jobs at a time that use a connection, over all processes: connections: {shop: 2}.',
  },
  drain_secs: {
    type: 'number',
    minimum: 0,
    maximum: 86_400,
    default: 30,
    description: 'How long SIGTERM waits for running jobs; those that have not ended then go back into the queue.',
  },
  result_retention_days: {
    type: 'number',
    exclusiveMinimum: 0,
    maximum: 3650,
    default: 7,
    description: 'Keep results of SQL jobs for so many days.',
  },
  job_retention_days: {
    type: 'number',
    exclusiveMinimum: 0,
    maximum: 3650,
    default: 90,
    description: 'Keep ended jobs, their logs and the history of schedules for so many days.',
  },
  maintain: {
    type: 'object',
    additionalProperties: false,
    default: {},
    description: 'When tables are looked after (sluice maintain).',
    properties: {
      enabled: { type: 'boolean', default: true, description: 'Whether sluice serve does it.' },
      cron: { type: 'string', minLength: 1, default: '17 3 * * *', description: 'When.' },
      timezone: { type: 'string', minLength: 1, default: 'UTC', description: 'IANA zone of cron.' },
    },
  },
  notify: NOTIFY_SCHEMA,
} as const;

export function readServeJobs(config: JsonObject, locate: Parameters<typeof readNotify>[1]): ServeJobsConfig {
  const number = (key: string): number => config[key] as number;
  const maintain = config['maintain'] as { enabled: boolean; cron: string; timezone: string };
  return {
    workers: number('workers'),
    workerMemoryBytes: number('worker_memory_mb') * 1_000_000,
    connections: config['connections'] as { readonly [name: string]: number },
    drainSecs: number('drain_secs'),
    resultRetentionMs: number('result_retention_days') * DAY_MS,
    jobRetentionMs: number('job_retention_days') * DAY_MS,
    maintain: maintain.enabled ? { cron: maintain.cron, timezone: maintain.timezone } : undefined,
    notify: readNotify(config['notify'] as JsonObject, locate),
  };
}
