import { availableParallelism } from 'node:os';
import type { ConfigSchema, JsonObject } from '../spi/index.js';

/** Limits and pace of a run. Nothing here changes what a run writes, so it is not part of the config hash. */
export interface ExecConfig {
  readonly maxThreads: number;
  /** Bytes of resident memory the process should stay below. */
  readonly memoryLimitBytes: number;
  readonly maxRejects: RejectLimit;
  /** As written; relative to the project root. Undefined: `.sluice/tmp`. */
  readonly tempDir: string | undefined;
  readonly segmentSizeBytes: number;
  readonly guessPlugins: readonly string[];
  readonly excludeGuessPlugins: readonly string[];
  readonly guessSampleBufferBytes: number;
  readonly previewSampleBufferBytes: number;
  readonly retry: { readonly limit: number; readonly initialWaitSecs: number; readonly maxWaitSecs: number };
  /** What the user should know about keys that have no effect here. */
  readonly notes: readonly string[];
}

/** `rows`: at most so many rejects; `percent`: at most this share of the records read, 0 to 100. */
export type RejectLimit = { readonly unit: 'rows'; readonly limit: number } | { readonly unit: 'percent'; readonly limit: number };

/** What `parseSize` reads. */
export const SIZE_PATTERN = '^\\s*\\d+(\\.\\d+)?\\s*([KMGTkmgt]i?[Bb]?|[Bb])?\\s*$';

export const EXEC_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    max_threads: {
      type: 'integer',
      minimum: 1,
      maximum: 1024,
      description: 'Tasks and DuckDB threads that work at once. Default: the number of cores.',
    },
    memory_limit: {
      type: ['string', 'integer'],
      pattern: SIZE_PATTERN,
      minimum: 1,
      default: '1GB',
      'x-expected': 'a size such as 800MB or 2GiB',
      description: 'Memory the whole process should stay below, such as 800MB (10^6), 2GiB (2^30) or a number of bytes.',
    },
    max_rejects: {
      type: ['integer', 'string'],
      minimum: 0,
      pattern: '^\\s*(100(\\.0+)?|\\d{1,2}(\\.\\d+)?)\\s*%\\s*$',
      'x-expected': 'a number of records, or a share such as "1%"',
      default: 0,
      description: 'Bad records a run may have and still commit: a number, or a share of the records read such as "1%".',
    },
    temp_dir: { type: 'string', minLength: 1, description: 'Folder for spool files and spill. Default: .sluice/tmp of the project.' },
    segment_size_bytes: {
      type: 'integer',
      minimum: 65536,
      default: 67108864,
      'x-advanced': true,
      description: 'Size of one spool segment of a streamed source.',
    },
    guess_plugins: {
      type: 'array',
      items: { type: 'string' },
      default: [],
      'x-advanced': true,
      description: 'Further guess plugins to try after the built-in ones.',
    },
    exclude_guess_plugins: { type: 'array', items: { type: 'string' }, default: [], 'x-advanced': true, description: 'Guess plugins to leave out.' },
    guess_sample_buffer_bytes: {
      type: 'integer',
      minimum: 1024,
      default: 1048576,
      'x-advanced': true,
      description: 'Bytes of sample data that guess looks at.',
    },
    preview_sample_buffer_bytes: {
      type: 'integer',
      minimum: 1024,
      default: 1048576,
      'x-advanced': true,
      description: 'Bytes of data that preview looks at.',
    },
    retry: {
      type: 'object',
      additionalProperties: false,
      default: {},
      'x-advanced': true,
      description: 'How often and after which waits a task is tried again when an error may pass.',
      properties: {
        limit: { type: 'integer', minimum: 0, maximum: 100, default: 5, description: 'Tries after the first one.' },
        initial_wait_secs: { type: 'number', minimum: 0, default: 1, description: 'Wait before the first retry; it doubles each time, with jitter.' },
        max_wait_secs: { type: 'number', minimum: 0, default: 60, description: 'Longest wait between two tries.' },
      },
    },
    type: { const: 'local', 'x-advanced': true, description: 'Accepted for configs written for Embulk; without effect.' },
    min_output_tasks: { type: 'integer', minimum: 1, 'x-advanced': true, description: 'Accepted for configs written for Embulk; without effect.' },
  },
} as const satisfies ConfigSchema;

/** A validated `exec` section as the engine wants it. */
export function readExec(config: JsonObject): ExecConfig {
  const retry = config['retry'] as { limit: number; initial_wait_secs: number; max_wait_secs: number };
  const unused = ['type', 'min_output_tasks'].filter((key) => key in config);
  return {
    maxThreads: (config['max_threads'] as number | undefined) ?? availableParallelism(),
    memoryLimitBytes: parseSize(config['memory_limit'] as string | number),
    maxRejects: parseRejectLimit(config['max_rejects'] as string | number),
    tempDir: config['temp_dir'] as string | undefined,
    segmentSizeBytes: config['segment_size_bytes'] as number,
    guessPlugins: config['guess_plugins'] as readonly string[],
    excludeGuessPlugins: config['exclude_guess_plugins'] as readonly string[],
    guessSampleBufferBytes: config['guess_sample_buffer_bytes'] as number,
    previewSampleBufferBytes: config['preview_sample_buffer_bytes'] as number,
    retry: { limit: retry.limit, initialWaitSecs: retry.initial_wait_secs, maxWaitSecs: retry.max_wait_secs },
    notes: unused.map((key) => `exec.${key} has no effect`),
  };
}

/** `memory_limit` of a validated `exec` section that need not give it, in bytes. */
export function memoryLimitOf(exec: JsonObject): number | undefined {
  const limit = exec['memory_limit'] as string | number | undefined;
  return limit === undefined ? undefined : parseSize(limit);
}

/** Bytes of `800MB` (10^6), `2GiB` (2^30), `1.5G`, `4096`. */
export function parseSize(size: string | number): number {
  if (typeof size === 'number') return size;
  const match = /^\s*(\d+(?:\.\d+)?)\s*(?:([KMGT])(i)?)?B?\s*$/i.exec(size);
  const base = match?.[3] === undefined ? 1000 : 1024;
  const power = match?.[2] === undefined ? 0 : 'KMGT'.indexOf(match[2].toUpperCase()) + 1;
  return Math.max(1, Math.floor(Number(match?.[1] ?? 0) * base ** power));
}

export function parseRejectLimit(limit: string | number): RejectLimit {
  return typeof limit === 'number' ? { unit: 'rows', limit } : { unit: 'percent', limit: Number(limit.replace('%', '')) };
}
